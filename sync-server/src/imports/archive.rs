//! A ZIP opened distrustfully: everything its directory says is judged before anything is unpacked, and what is unpacked
//! is cut off where it is more than was said.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::{Component, Path};

use zip::{CompressionMethod, ZipArchive};

use super::ImportRefused;

/// Entries of an archive.
pub const MOST_ENTRIES: usize = 100_000;
/// Bytes of everything in it, unpacked.
pub const MOST_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// Bytes of its table, unpacked.
pub const MOST_TABLE_BYTES: u64 = 64 * 1024 * 1024;
/// Photos and tables are packed to less than that share only if they are made to be.
const MOST_RATIO: u64 = 200;
/// Below this an entry may be packed as it likes, in bytes.
const SMALL: u64 = 1024 * 1024;
/// Characters of a path.
const MOST_PATH_CHARS: usize = 500;
/// Endings of what may itself hold files.
const ARCHIVES: [&str; 9] = ["zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar", "zst"];

/// What is in an archive, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files and their bytes, unpacked, as the directory says.
    pub files: BTreeMap<String, u64>,
}

/// Opens an archive and judges its directory.
///
/// # Errors
/// [`ImportRefused::File`].
pub fn open<R: Read + Seek>(reader: R) -> Result<(ZipArchive<R>, Listing), ImportRefused> {
    let unreadable = |_| {
        ImportRefused::file("archive-unreadable", "This is no ZIP archive, or a damaged one: make it anew and send it.")
    };
    let mut archive = ZipArchive::new(reader).map_err(unreadable)?;
    if archive.len() > MOST_ENTRIES {
        let detail = format!("The archive has {} entries; at most {MOST_ENTRIES} are taken: split it.", archive.len());
        return Err(ImportRefused::file("archive-too-many-entries", detail));
    }
    if archive.has_duplicate_names() {
        let detail = "Two entries of the archive have the same path: make it anew.";
        return Err(ImportRefused::file("archive-duplicate-names", detail));
    }
    // Bombs that need no ratio: the same bytes are those of many entries.
    if archive.has_overlapping_files().map_err(unreadable)? {
        return Err(ImportRefused::file(
            "archive-bomb",
            "Entries of the archive share bytes; such archives are not taken.",
        ));
    }
    let mut listing = Listing::default();
    let mut bytes = 0_u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(unreadable)?;
        let path = entry.name().map_err(unreadable)?.into_owned();
        let entry = Entry {
            is_link: entry.is_symlink(),
            is_encrypted: entry.encrypted(),
            is_known: matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated),
            is_dir: entry.is_dir(),
            packed: entry.compressed_size(),
            size: entry.size(),
            path,
        };
        entry.judge(index)?;
        bytes = bytes.saturating_add(entry.size);
        if bytes > MOST_BYTES {
            let detail = format!("Unpacked, the archive has more than {} GB: split it.", MOST_BYTES >> 30);
            return Err(ImportRefused::file("archive-too-large", detail));
        }
        if !entry.is_dir && !is_left_over(&entry.path) {
            listing.files.insert(entry.path, entry.size);
        }
    }
    Ok((archive, listing))
}

/// Unpacks one entry; `None` if it is not there. More than `at_most` bytes are an error, whatever the directory said.
///
/// # Errors
/// Words on what is wrong with it.
pub fn unpack<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    path: &str,
    at_most: u64,
) -> Result<Option<Vec<u8>>, &'static str> {
    let Some(index) = archive.index_for_name(path) else { return Ok(None) };
    let entry = archive.by_index(index).map_err(|_| "it cannot be unpacked")?;
    let mut bytes = Vec::with_capacity(usize::try_from(entry.size().min(at_most)).unwrap_or(0));
    entry.take(at_most.saturating_add(1)).read_to_end(&mut bytes).map_err(|_| "it is damaged")?;
    if bytes.len() as u64 > at_most { Err("it is larger than is taken") } else { Ok(Some(bytes)) }
}

/// What a directory says of an entry.
struct Entry {
    path: String,
    is_dir: bool,
    is_link: bool,
    is_encrypted: bool,
    is_known: bool,
    packed: u64,
    size: u64,
}

impl Entry {
    fn judge(&self, index: usize) -> Result<(), ImportRefused> {
        let refused =
            |slug, words: &str| Err(ImportRefused::file(slug, format!("Entry {index} of the archive {words}")));
        if !is_safe(&self.path) || self.is_link {
            return refused(
                "archive-unsafe-path",
                "has a path that leads out of it, or is a link; such are not taken.",
            );
        }
        if self.is_encrypted {
            return refused("archive-encrypted", "is encrypted: send the archive without a password.");
        }
        if !self.is_known {
            return refused("archive-unreadable", "is packed in an unusual way: make it anew with any common program.");
        }
        if self.size > SMALL && self.size / self.packed.max(1) > MOST_RATIO {
            return refused("archive-bomb", "is packed more than photos and tables are; such archives are not taken.");
        }
        let ending = Path::new(&self.path).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !self.is_dir && ARCHIVES.contains(&ending.to_ascii_lowercase().as_str()) {
            return refused("archive-nested", "is an archive itself: unpack it, and pack everything together.");
        }
        Ok(())
    }
}

/// Whether a path stays within, on any system.
fn is_safe(path: &str) -> bool {
    let plain = !path.is_empty()
        && path.chars().count() <= MOST_PATH_CHARS
        && !path.chars().any(|c| c.is_control() || c == '\\' || c == ':');
    plain && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// What operating systems leave in archives.
fn is_left_over(path: &str) -> bool {
    path.starts_with("__MACOSX/")
        || path.rsplit('/').next().is_some_and(|name| name.starts_with('.') || name == "Thumbs.db")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in files {
            writer.start_file(*path, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn check(bytes: &[u8], expected: Result<&[&str], &str>) {
        let found = open(Cursor::new(bytes)).map(|(_, listing)| listing.files.into_keys().collect::<Vec<_>>());
        let found = found.map_err(|refused| match refused {
            ImportRefused::File { slug, .. } => slug,
            ImportRefused::Spool(_) => "spool",
        });
        assert_eq!(found, expected.map(|paths| paths.iter().map(|path| String::from(*path)).collect()));
    }

    #[test]
    fn takes_files_and_refuses_tricks() {
        check(&packed(&[("persons.csv", b"x"), ("photos/a.jpg", b"y")]), Ok(&["persons.csv", "photos/a.jpg"]));
        check(&packed(&[("__MACOSX/._a", b"x"), ("photos/.DS_Store", b"y")]), Ok(&[]));
        check(b"", Err("archive-unreadable"));
        check(b"PK\x03\x04 and then nothing", Err("archive-unreadable"));
        check(&packed(&[("../../etc/passwd", b"x")]), Err("archive-unsafe-path"));
        check(&packed(&[("/etc/passwd", b"x")]), Err("archive-unsafe-path"));
        check(&packed(&[("a\\..\\b.jpg", b"x")]), Err("archive-unsafe-path"));
        check(&packed(&[("C:/a.jpg", b"x")]), Err("archive-unsafe-path"));
        check(&packed(&[("more.ZIP", b"x")]), Err("archive-nested"));
        check(&packed(&[("photos/a.jpg", &vec![0; 8 * 1024 * 1024])]), Err("archive-bomb"));
    }

    #[test]
    fn unpacks_no_more_than_is_taken() {
        let (mut archive, _) = open(Cursor::new(packed(&[("a", b"12345")]))).map_err(|e| e.to_string()).unwrap();
        assert_eq!(unpack(&mut archive, "a", 5), Ok(Some(b"12345".to_vec())));
        assert_eq!(unpack(&mut archive, "a", 4), Err("it is larger than is taken"));
        assert_eq!(unpack(&mut archive, "b", 4), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..200) {
            let _ = open(Cursor::new(&bytes));
            let good = packed(&[("persons.csv", b"external_id,name\n1,Ada\n")]);
            bytes.truncate(cut);
            let mut spoilt = good;
            for (place, byte) in bytes.iter().enumerate() {
                let at = place * 7 % spoilt.len();
                spoilt[at] = *byte;
            }
            if let Ok((mut archive, listing)) = open(Cursor::new(spoilt)) {
                for path in listing.files.keys() {
                    let _ = unpack(&mut archive, path, 1000);
                }
            }
        }
    }
}
