//! A clip's pictures, as the decoder gives them: a few a second, shrunk to what the models need, read one by one.

use std::path::Path;

use ostiary_models::frame::RgbImage;
use tokio::io::BufReader;
use tokio::process::{Child, ChildStdout};

use super::MOST_SECONDS;
use super::confine::{Confinement, ended_well};
use super::format::Format;
use super::ppm;
use super::probe::About;
use super::problem::{ClipError, ClipProblem};

/// The longest side handed to the models, pixels: the largest a browser's camera usually gives.
const MOST_SIDE: u32 = 1280;
/// Pictures looked at, at most.
const MOST_FRAMES: u32 = 60;
/// Pictures a second, at most: neighbours say the same.
const MOST_RATE: u32 = 8;
/// Pictures a second of a clip that does not know how long it is.
const RATE_UNKNOWN: u32 = 4;

/// Which pictures of a clip are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sampling {
    /// Pictures a second, in thousandths.
    rate_milli: u32,
    /// Pictures after which it is too long.
    most: u32,
}

impl Sampling {
    /// Which pictures of this clip.
    pub(super) fn of(about: &About) -> Result<Self, ClipProblem> {
        let Some(seconds) = about.seconds else {
            let most = RATE_UNKNOWN * MOST_SECONDS;
            return Ok(Self { rate_milli: RATE_UNKNOWN * 1000, most });
        };
        if seconds > f64::from(MOST_SECONDS) {
            return Err(ClipProblem::TooLong);
        }
        let rate = (f64::from(MOST_FRAMES) / seconds).min(f64::from(MOST_RATE));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "2 to 8, in thousandths")]
        let rate_milli = (rate * 1000.0) as u32;
        // What a header promises need not be so: the decoder is stopped by what comes.
        Ok(Self { rate_milli, most: 2 * MOST_FRAMES })
    }
}

/// Pictures that come.
pub(super) struct Frames {
    child: Child,
    output: BufReader<ChildStdout>,
    most: u32,
    count: u32,
    is_broken: bool,
}

impl Frames {
    /// Starts the decoder.
    pub(super) async fn start(
        confinement: &Confinement,
        format: Format,
        path: &Path,
        sampling: Sampling,
    ) -> Result<Self, ClipError> {
        let (rate, most) = (sampling.rate_milli, sampling.most + 1);
        let scale = format!(
            "fps={rate}/1000,scale='min({MOST_SIDE},iw)':'min({MOST_SIDE},ih)':force_original_aspect_ratio=decrease"
        );
        let mut args: Vec<std::ffi::OsString> =
            ["-nostdin", "-v", "quiet", "-threads", "1", "-protocol_whitelist", "file"].map(Into::into).into();
        args.extend(["-f", format.demuxer(), "-i"].map(Into::into));
        args.push(path.into());
        args.extend(["-map", "0:v:0", "-an", "-sn", "-dn", "-filter_threads", "1", "-vf"].map(Into::into));
        args.extend([scale.as_str(), "-frames:v", &most.to_string(), "-pix_fmt", "rgb24"].map(Into::into));
        args.extend(["-c:v", "ppm", "-f", "image2pipe", "pipe:1"].map(Into::into));
        let mut child = confinement.start("ffmpeg", args).await?;
        let output = child.stdout.take().ok_or_else(|| ClipError::Decoder(std::io::Error::other("no output")))?;
        let output = BufReader::with_capacity(256 * 1024, output);
        Ok(Self { child, output, most: sampling.most, count: 0, is_broken: false })
    }

    /// The next picture.
    pub(super) async fn next(&mut self) -> Result<Option<RgbImage>, ClipError> {
        if self.count > self.most {
            return Ok(None);
        }
        match ppm::read(&mut self.output, MOST_SIDE).await.map_err(ClipError::Decoder)? {
            ppm::Read::Picture(picture) => {
                self.count += 1;
                Ok(Some(picture))
            }
            ppm::Read::End => Ok(None),
            ppm::Read::Broken => {
                self.is_broken = true;
                Ok(None)
            }
        }
    }

    /// What is to be said of the clip when no more pictures come; `count` is how many did.
    pub(super) async fn end(self, count: usize) -> Result<Result<(), ClipProblem>, ClipError> {
        let Self { mut child, output, most, is_broken, .. } = self;
        if self.count > most {
            // Killed as it is dropped.
            return Ok(Err(ClipProblem::TooLong));
        }
        drop(output);
        if is_broken {
            child.start_kill().map_err(ClipError::Decoder)?;
        }
        let is_well = ended_well(child).await.map_err(ClipError::Decoder)?;
        // A clip that is cut short has shown what it has; one of which nothing came is damaged, or was stopped by its
        // limits before anything came of it.
        Ok(if count == 0 && !is_well { Err(ClipProblem::Unreadable) } else { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_looked_at_a_few_times_a_second() {
        let check = |seconds: Option<f64>, expected: Result<(u32, u32), ClipProblem>| {
            let found = Sampling::of(&About { seconds }).map(|s| (s.rate_milli, s.most));
            assert_eq!(found, expected, "{seconds:?}");
        };
        check(Some(3.0), Ok((8000, 120)));
        check(Some(30.0), Ok((2000, 120)));
        check(Some(30.1), Err(ClipProblem::TooLong));
        check(Some(3600.0), Err(ClipProblem::TooLong));
        check(None, Ok((4000, 120)));
    }
}
