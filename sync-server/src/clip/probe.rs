//! What a clip says of itself, before anything is decoded.

use std::path::Path;

use serde::Deserialize;
use tokio::io::AsyncReadExt;

use super::confine::{Confinement, ended_well};
use super::format::Format;
use super::problem::{ClipError, ClipProblem};

/// The longest side decoded, pixels.
const MOST_SIDE: u64 = 4096;
/// The most that is read of what is said.
const MOST_BYTES: u64 = 64 * 1024;

/// A clip as it describes itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct About {
    /// Seconds; browsers that record as they go do not know.
    pub(super) seconds: Option<f64>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Container,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(default)]
    codec_type: String,
    #[serde(default)]
    width: u64,
    #[serde(default)]
    height: u64,
}

#[derive(Default, Deserialize)]
struct Container {
    duration: Option<String>,
}

/// Asks a clip.
///
/// # Errors
/// [`ClipError`]; a clip that cannot be taken is `Ok(Err(problem))`.
pub(super) async fn probe(
    confinement: &Confinement,
    format: Format,
    path: &Path,
) -> Result<Result<About, ClipProblem>, ClipError> {
    let entries = "format=duration:stream=codec_type,width,height";
    let mut args: Vec<std::ffi::OsString> =
        ["-v", "quiet", "-protocol_whitelist", "file", "-f", format.demuxer()].map(Into::into).into();
    args.extend(["-show_entries", entries, "-of", "json"].map(Into::into));
    args.push(path.into());
    let mut child = confinement.start("ffprobe", args).await?;
    let mut said = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(MOST_BYTES).read_to_end(&mut said).await.map_err(ClipError::Decoder)?;
    }
    let is_read = ended_well(child).await.map_err(ClipError::Decoder)?;
    Ok(if is_read { judge(&said) } else { Err(ClipProblem::Unreadable) })
}

fn judge(said: &[u8]) -> Result<About, ClipProblem> {
    let said: Said = serde_json::from_slice(said).map_err(|_| ClipProblem::Unreadable)?;
    let video = said.streams.iter().find(|stream| stream.codec_type == "video").ok_or(ClipProblem::NoVideo)?;
    let Stream { width, height, .. } = *video;
    if width == 0 || height == 0 {
        return Err(ClipProblem::Unreadable);
    }
    if width > MOST_SIDE || height > MOST_SIDE {
        return Err(ClipProblem::TooLarge { width, height });
    }
    let seconds = said.format.duration.and_then(|text| text.parse::<f64>().ok());
    Ok(About { seconds: seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clip_says_is_judged() {
        let check = |said: &str, expected| assert_eq!(judge(said.as_bytes()), expected, "{said}");
        let video = |width, height| format!(r#"{{"codec_type": "video", "width": {width}, "height": {height}}}"#);
        let clip = |stream: String, end: &str| format!(r#"{{"streams": [{stream}], "format": {{{end}}}}}"#);
        check(&clip(video(640, 480), r#""duration": "3.5""#), Ok(About { seconds: Some(3.5) }));
        check(&clip(video(640, 480), ""), Ok(About { seconds: None }));
        check(&clip(video(640, 480), r#""duration": "N/A""#), Ok(About { seconds: None }));
        check(&clip(video(8000, 480), ""), Err(ClipProblem::TooLarge { width: 8000, height: 480 }));
        check(&clip(video(0, 480), ""), Err(ClipProblem::Unreadable));
        check(&clip(r#"{"codec_type": "audio"}"#.into(), ""), Err(ClipProblem::NoVideo));
        check("{}", Err(ClipProblem::NoVideo));
        check("", Err(ClipProblem::Unreadable));
    }
}
