//! YUV4MPEG2: a line that describes the video, then frames of raw planes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::Clip;
use crate::convert::{MAX_SIDE, PixelFormat, RawPicture};
use crate::ports::SourceError;

/// The longest header line, bytes.
const MAX_LINE_BYTES: u64 = 1024;

pub struct Y4m<R = BufReader<File>> {
    reader: R,
    header: Header,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Header {
    width: u32,
    height: u32,
    fps: f64,
    format: PixelFormat,
}

impl Y4m {
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|e| SourceError::new(format!("opening {}", path.display()), e))?;
        Y4m::read(BufReader::with_capacity(256 * 1024, file))
    }
}

impl<R: BufRead> Y4m<R> {
    /// Reads the header.
    pub fn read(mut reader: R) -> Result<Self, SourceError> {
        let line = line(&mut reader)?.unwrap_or_default();
        let header = Header::parse(&line).map_err(|reason| SourceError(format!("not a Y4M video: {reason}")))?;
        Ok(Self { reader, header })
    }
}

impl<R: BufRead> Clip for Y4m<R> {
    fn next(&mut self) -> Result<Option<RawPicture>, SourceError> {
        let Some(line) = line(&mut self.reader)? else { return Ok(None) };
        if !line.starts_with("FRAME") {
            return Err(SourceError(format!(
                "Y4M frame expected, found `{}`",
                line.chars().take(20).collect::<String>()
            )));
        }
        let Header { width, height, format, .. } = self.header;
        let mut data = vec![0; self.header.frame_bytes()];
        match self.reader.read_exact(&mut data) {
            Ok(()) => Ok(Some(RawPicture { format, width, height, stride: width as usize, data })),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(SourceError::new("reading Y4M", error)),
        }
    }

    fn fps(&self) -> Option<f64> {
        Some(self.header.fps)
    }
}

fn line(reader: &mut impl BufRead) -> Result<Option<String>, SourceError> {
    let mut bytes = Vec::new();
    reader
        .by_ref()
        .take(MAX_LINE_BYTES)
        .read_until(b'\n', &mut bytes)
        .map_err(|e| SourceError::new("reading Y4M", e))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()))
}

impl Header {
    fn parse(line: &str) -> Result<Self, String> {
        let rest = line.strip_prefix("YUV4MPEG2").ok_or("the first line does not begin with YUV4MPEG2")?;
        let mut header = Self { width: 0, height: 0, fps: 25.0, format: PixelFormat::I420 };
        for field in rest.split_ascii_whitespace() {
            let (key, value) = field.split_at_checked(1).unwrap_or((field, ""));
            match key {
                "W" => header.width = side(value)?,
                "H" => header.height = side(value)?,
                "F" => header.fps = rate(value).ok_or_else(|| format!("frame rate `{value}`"))?,
                "C" => header.format = format(value)?,
                _ => {}
            }
        }
        if header.width == 0 || header.height == 0 { Err("no width or height".into()) } else { Ok(header) }
    }

    const fn frame_bytes(&self) -> usize {
        let (width, height) = (self.width as usize, self.height as usize);
        let luma = width * height;
        match self.format {
            PixelFormat::Grey => luma,
            PixelFormat::I444 => 3 * luma,
            PixelFormat::I422 => luma + 2 * width.div_ceil(2) * height,
            _ => luma + 2 * width.div_ceil(2) * height.div_ceil(2),
        }
    }
}

fn side(value: &str) -> Result<u32, String> {
    value.parse().ok().filter(|n| (1..=MAX_SIDE).contains(n)).ok_or_else(|| format!("a side of `{value}` pixels"))
}

fn rate(value: &str) -> Option<f64> {
    let (over, under) = value.split_once(':')?;
    let fps = over.parse::<f64>().ok()? / under.parse::<f64>().ok()?;
    fps.is_finite().then_some(fps).filter(|fps| *fps > 0.0)
}

fn format(value: &str) -> Result<PixelFormat, String> {
    match value {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok(PixelFormat::I420),
        "422" => Ok(PixelFormat::I422),
        "444" => Ok(PixelFormat::I444),
        "mono" => Ok(PixelFormat::Grey),
        other => Err(format!("colour format `{other}`; known are 420, 422, 444 and mono, 8 bit")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let check =
            |line: &str, expected: Result<(u32, u32, f64, PixelFormat), &str>| match (Header::parse(line), expected) {
                (Ok(h), Ok(e)) => assert_eq!((h.width, h.height, h.fps, h.format), e, "{line}"),
                (Err(found), Err(part)) => assert!(found.contains(part), "{line}: {found}"),
                (found, _) => panic!("{line}: {found:?}"),
            };
        check("YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg", Ok((640, 480, 30.0, PixelFormat::I420)));
        check("YUV4MPEG2 W3 H5", Ok((3, 5, 25.0, PixelFormat::I420)));
        check("YUV4MPEG2 W3 H5 Cmono F15:2", Ok((3, 5, 7.5, PixelFormat::Grey)));
        check("YUV4MPEG2 W3 H5 C420p10", Err("420p10"));
        check("YUV4MPEG2 W99999 H5", Err("99999"));
        check("YUV4MPEG2 W4 H4 F1:0", Err("frame rate"));
        check("RIFF", Err("YUV4MPEG2"));
        check("YUV4MPEG2 W4", Err("no width"));
    }

    #[test]
    fn frames_until_one_is_cut_short() {
        let frame = |y: u8| [&b"FRAME\n"[..], &[y; 6], &[128; 4]].concat();
        let file = [&b"YUV4MPEG2 W3 H2 F25:1\n"[..], &frame(16), &frame(235), &frame(16)[..9]].concat();
        let mut clip = Y4m::read(&file[..]).unwrap();
        let lights: Vec<u8> =
            std::iter::from_fn(|| clip.next().unwrap()).map(|p| p.to_rgb().unwrap().as_raw()[0]).collect();
        assert_eq!(lights, [0, 255]);
        assert!(Y4m::read(&b""[..]).is_err());
    }
}
