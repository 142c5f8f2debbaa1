//! What a file is, by its first bytes. Decided here and told to the decoder, which would otherwise guess, and could be
//! led to playlists that name other files.

use std::io;
use std::path::Path;

use tokio::io::AsyncReadExt;

/// A container that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// MP4 or QuickTime.
    Mov,
    /// WebM or Matroska.
    Matroska,
    /// AVI.
    Avi,
}

impl Format {
    /// The decoder's name for it.
    pub(super) const fn demuxer(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
        }
    }
}

/// What a file is; `None` for anything that is not taken.
pub(super) async fn of(path: &Path) -> io::Result<Option<Format>> {
    let mut head = Vec::with_capacity(16);
    tokio::fs::File::open(path).await?.take(16).read_to_end(&mut head).await?;
    Ok(by_magic(&head))
}

/// The same, by its first twelve bytes or more.
pub(super) fn by_magic(head: &[u8]) -> Option<Format> {
    let at = |from: usize, magic: &[u8]| head.get(from..from + magic.len()) == Some(magic);
    if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
        Some(Format::Matroska)
    } else if at(0, b"RIFF") && at(8, b"AVI ") {
        Some(Format::Avi)
    } else if [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"].iter().any(|kind| at(4, *kind)) {
        Some(Format::Mov)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let check = |head: &[u8], expected| assert_eq!(by_magic(head), expected, "{head:?}");
        check(b"\0\0\0\x20ftypisom\0\0\0\0", Some(Format::Mov));
        check(b"\0\0\0\x14ftypqt  \0\0\0\0", Some(Format::Mov));
        check(&[0x1A, 0x45, 0xDF, 0xA3, 1, 2], Some(Format::Matroska));
        check(b"RIFF\x10\0\0\0AVI LIST", Some(Format::Avi));
        check(b"RIFF\x10\0\0\0WEBPVP8 ", None);
        check(b"#EXTM3U\n#EXT-X-T", None);
        check(b"ffconcat version", None);
        check(b"", None);
        check(b"RIFF", None);
    }
}
