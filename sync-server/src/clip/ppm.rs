//! Pictures one after the other in a stream: binary PPM, as simple as a format can be, so that what comes from the
//! decoder needs no decoder of its own.

use std::io;

use ostiary_models::frame::RgbImage;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest line of a header, bytes.
const MOST_LINE: u64 = 32;

/// What was in the stream.
#[derive(Debug)]
pub(super) enum Read {
    /// A picture.
    Picture(RgbImage),
    /// Nothing any more.
    End,
    /// No whole picture.
    Broken,
}

/// Reads the next picture, of sides up to `most_side`.
pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin), most_side: u32) -> io::Result<Read> {
    let Some(magic) = line(stream).await? else { return Ok(Read::End) };
    let (Some(size), Some(depth)) = (line(stream).await?, line(stream).await?) else { return Ok(Read::Broken) };
    let size = size.split_once(' ').and_then(|(w, h)| Some((w.parse::<u32>().ok()?, h.parse::<u32>().ok()?)));
    let (Some((width, height)), "P6", "255") = (size, magic.as_str(), depth.as_str()) else { return Ok(Read::Broken) };
    if width == 0 || height == 0 || width > most_side || height > most_side {
        return Ok(Read::Broken);
    }
    let mut pixels = vec![0; width as usize * height as usize * 3];
    match stream.read_exact(&mut pixels).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Read::Broken),
        Err(error) => return Err(error),
    }
    Ok(RgbImage::from_raw(width, height, pixels).map_or(Read::Broken, Read::Picture))
}

/// A line without its end; `None` at the end of the stream.
async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    (&mut *stream).take(MOST_LINE).read_until(b'\n', &mut bytes).await?;
    Ok(match bytes.pop() {
        None => None,
        Some(b'\n') => Some(String::from_utf8_lossy(&bytes).into_owned()),
        // Cut short, or no header.
        Some(_) => Some(String::new()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut stream = bytes;
        let mut found = String::new();
        loop {
            match runtime.block_on(read(&mut stream, 64)).unwrap() {
                Read::Picture(picture) => found += &format!("{}x{} ", picture.width(), picture.height()),
                Read::End => return found + "end",
                Read::Broken => return found + "broken",
            }
        }
    }

    #[test]
    fn pictures_are_read_one_after_the_other() {
        let picture = |head: &str, pixels: usize| [head.as_bytes(), &vec![7; pixels]].concat();
        let check = |bytes: Vec<u8>, expected: &str| assert_eq!(all(&bytes), expected);
        check(vec![], "end");
        check(picture("P6\n2 3\n255\n", 18), "2x3 end");
        check([picture("P6\n2 3\n255\n", 18), picture("P6\n1 1\n255\n", 3)].concat(), "2x3 1x1 end");
        check(picture("P6\n2 3\n255\n", 17), "broken");
        check(picture("P6\n2 3\n65535\n", 18), "broken");
        check(picture("P5\n2 3\n255\n", 6), "broken");
        check(picture("P6\n65 3\n255\n", 195), "broken");
        check(picture("P6\n0 3\n255\n", 0), "broken");
        check(picture("P6\n2 3", 0), "broken");
        check(vec![b'x'; 100], "broken");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = all(&bytes);
            let _ = all(&[b"P6\n2 2\n255\n", &bytes[..]].concat());
        }
    }
}
