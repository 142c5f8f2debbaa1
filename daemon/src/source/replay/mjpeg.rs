//! JPEGs one after another in a file, taken apart by their markers.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::Clip;
use crate::convert::{PixelFormat, RawPicture};
use crate::ports::SourceError;

/// The largest frame, bytes.
const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

pub struct Mjpeg<R = BufReader<File>> {
    reader: R,
}

impl Mjpeg {
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|e| SourceError::new(format!("opening {}", path.display()), e))?;
        Ok(Self { reader: BufReader::with_capacity(256 * 1024, file) })
    }
}

impl<R: BufRead> Clip for Mjpeg<R> {
    fn next(&mut self) -> Result<Option<RawPicture>, SourceError> {
        let jpeg = next_jpeg(&mut self.reader).map_err(|e| SourceError::new("reading MJPEG", e))?;
        Ok(jpeg.map(|data| RawPicture { format: PixelFormat::Jpeg, width: 0, height: 0, stride: 0, data }))
    }
}

/// Finds the next start of image and reads to its end. A frame cut off by the end of the file is no frame.
fn next_jpeg(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    if !skip_to_start(reader)? {
        return Ok(None);
    }
    let mut jpeg = vec![0xff, 0xd8];
    match read_segments(reader, &mut jpeg) {
        Ok(()) => Ok(Some(jpeg)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn skip_to_start(reader: &mut impl BufRead) -> std::io::Result<bool> {
    let mut last = 0;
    loop {
        let mut byte = [0];
        if reader.read(&mut byte)? == 0 {
            return Ok(false);
        }
        if (last, byte[0]) == (0xff, 0xd8) {
            return Ok(true);
        }
        last = byte[0];
    }
}

/// Segments with a length are taken whole, so that a thumbnail inside one does not end the frame.
fn read_segments(reader: &mut impl BufRead, jpeg: &mut Vec<u8>) -> std::io::Result<()> {
    let mut marker = next_marker(reader, jpeg)?;
    loop {
        if jpeg.len() > MAX_FRAME_BYTES {
            return Err(std::io::Error::other(format!("a frame is larger than {MAX_FRAME_BYTES} bytes")));
        }
        match marker {
            0xd9 => return Ok(()),
            0x01 | 0xd0..=0xd7 => {}
            _ => {
                let mut length = [0; 2];
                reader.read_exact(&mut length)?;
                jpeg.extend(length);
                let rest = u64::from(u16::from_be_bytes(length)).saturating_sub(2);
                if reader.by_ref().take(rest).read_to_end(jpeg)? as u64 != rest {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        marker = next_marker(reader, jpeg)?;
    }
}

/// Reads up to and including the next marker; in coded data `FF 00` is a byte, not a marker.
fn next_marker(reader: &mut impl BufRead, jpeg: &mut Vec<u8>) -> std::io::Result<u8> {
    let limit = MAX_FRAME_BYTES as u64;
    loop {
        reader.by_ref().take(limit).read_until(0xff, jpeg)?;
        if jpeg.last() != Some(&0xff) {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        loop {
            let mut byte = [0];
            reader.read_exact(&mut byte)?;
            jpeg.push(byte[0]);
            match byte[0] {
                0xff => {}
                0x00 => break,
                marker => return Ok(marker),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn all(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut reader = Cursor::new(bytes);
        std::iter::from_fn(|| next_jpeg(&mut reader).unwrap()).collect()
    }

    #[test]
    fn frames_are_told_apart_even_with_thumbnails_and_rubbish_between() {
        let plain = [0xff, 0xd8, 0xff, 0xda, 0, 4, 1, 2, 9, 0xff, 0x00, 9, 0xff, 0xd3, 7, 0xff, 0xd9];
        let thumbnail = [0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, 0xd9, 0xff, 0xda, 0, 2, 5, 0xff, 0xd9];
        let file = [&[1, 2, 3][..], &plain, &[0, 0], &thumbnail, &plain, &plain[..9]].concat();
        assert_eq!(all(&file), [plain.to_vec(), thumbnail.to_vec(), plain.to_vec()]);
        assert_eq!(all(&[]), Vec::<Vec<u8>>::new());
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(all(&bytes).len() <= bytes.len());
        }
    }
}
