//! Archives as they are, as they are not, and cut anywhere.

use proptest::prelude::*;

use super::*;

/// Stands in for a signature: what was signed, hashed twice.
fn mark(message: &[u8]) -> Vec<u8> {
    let hash = Sha256::digest(message);
    [hash, hash].concat()
}

fn signed(message: &[u8], signature: &[u8]) -> bool {
    mark(message) == signature
}

fn file(name: &str, content: &[u8]) -> ArchivedFile {
    ArchivedFile { name: name.into(), bytes: content.len() as u64, sha256: hex::encode(Sha256::digest(content)) }
}

fn packed(index: &[u8], contents: &[&[u8]]) -> Vec<u8> {
    let length = u32::try_from(index.len()).unwrap().to_le_bytes();
    let mut bytes = [MAGIC.as_slice(), &length, index, &mark(&statement(index))].concat();
    contents.iter().for_each(|content| bytes.extend_from_slice(content));
    bytes
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let index = Index {
        id: PackId::parse("test@1").unwrap(),
        files: files.iter().map(|(name, content)| file(name, content)).collect(),
    };
    let contents: Vec<&[u8]> = files.iter().map(|(_, content)| *content).collect();
    packed(&codec::to_vec("pack index", MOST_INDEX, &index).unwrap(), &contents)
}

fn unpacked(bytes: &[u8]) -> Result<(tempfile::TempDir, Index), ArchiveError> {
    let dir = tempfile::tempdir().unwrap();
    let index = Archive::open(bytes, 1000, signed)?.unpack(dir.path())?;
    Ok((dir, index))
}

const SOUND: &[(&str, &[u8])] = &[("net.onnx", b"weights"), ("pack.toml", b"id = 1")];

#[test]
fn what_was_packed_is_unpacked() {
    let (dir, index) = unpacked(&archive(SOUND)).unwrap();
    assert_eq!(index.id.as_str(), "test@1");
    for (name, content) in SOUND {
        assert_eq!(fs::read(dir.path().join(name)).unwrap(), *content);
    }
}

#[test]
fn the_default_pack_comes_through_whole() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("packs/ostiary-default");
    let pack = crate::pack::Pack::load(&dir).unwrap();
    let mut bytes = Vec::new();
    let index = write(&dir, pack.manifest(), &mut bytes, |message| Some(mark(message))).unwrap();
    assert!(index.files.iter().any(|file| file.name == "embedder.onnx") && index.files.len() >= 5);
    let there = tempfile::tempdir().unwrap();
    Archive::open(bytes.as_slice(), 64 << 20, signed).unwrap().unpack(there.path()).unwrap();
    assert_eq!(crate::pack::Pack::load(there.path()).unwrap().id(), pack.id());
    assert!(matches!(
        Archive::open(bytes.as_slice(), 1 << 20, signed).err(),
        Some(ArchiveError::TooLarge { most: 1_048_576, .. })
    ));
    assert!(matches!(write(&dir, pack.manifest(), Vec::new(), |_| None), Err(ArchiveError::NotSigned)));
}

#[test]
fn bad_ones_are_refused() {
    let check = |bytes: &[u8], expected: &str| {
        let told = unpacked(bytes).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains(expected), "{told:?} is not {expected:?}");
    };
    let sound = archive(SOUND);
    check(b"", "no model pack archive");
    check(b"PK\x03\x04 a zip, which may hold a bomb", "no model pack archive");
    check(&sound[..20], "cut short");
    check(&sound[..sound.len() - 1], "cut short");
    check(&[sound.as_slice(), b"!"].concat(), "goes on");
    let mut other = sound.clone();
    *other.last_mut().unwrap() ^= 1;
    check(&other, "not the file that was signed");
    let mut other = sound;
    other[30] ^= 1;
    check(&other, "not signed");
    check(&[MAGIC.as_slice(), &[0xff; 4]].concat(), "bytes, 16384 are taken");
    check(&packed(b"not an index", &[]), "index cannot be");
    check(&archive(&[]), "no pack.toml");
    check(&archive(&[("pack.toml", b"1"), ("PACK.toml", b"1")]), "comes twice");
    check(&archive(&[("pack.toml", &[7; 1001])]), "1000 are taken at most");
    let many: Vec<(String, &[u8])> = (0..33).map(|n| (format!("file{n}"), b"1".as_slice())).collect();
    check(&archive(&many.iter().map(|(name, content)| (name.as_str(), *content)).collect::<Vec<_>>()), "33 files");
    for name in ["../up", "/etc/passwd", "a/b", "a\\b", "", ".hidden", "..", "nul\0", "ü", &"n".repeat(101)] {
        check(&archive(&[("pack.toml", b"1"), (name, b"1")]), "no plain file name");
    }
    let with = |file: ArchivedFile| {
        let index = Index { id: PackId::parse("test@1").unwrap(), files: vec![file] };
        packed(&codec::to_vec("pack index", MOST_INDEX, &index).unwrap(), &[])
    };
    check(&with(ArchivedFile { sha256: "00".into(), ..file("pack.toml", b"") }), "has no SHA-256");
    check(&with(ArchivedFile { bytes: u64::MAX, ..file("pack.toml", b"") }), "are taken at most");
}

proptest! {
    #[test]
    fn whatever_comes_nothing_is_written_that_was_not_signed(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(unpacked(&bytes).is_err());
        prop_assert!(unpacked(&[MAGIC.as_slice(), &bytes].concat()).is_err());
    }

    #[test]
    fn cut_or_altered_anywhere_it_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let sound = archive(SOUND);
        let at = at.index(sound.len());
        prop_assert!(unpacked(&sound[..at]).is_err());
        let mut other = sound;
        other[at] ^= 1 << bit;
        prop_assert!(unpacked(&other).is_err());
    }
}
