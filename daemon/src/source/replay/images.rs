//! A folder of images, in the order of their names.

use std::path::{Path, PathBuf};

use super::Clip;
use crate::convert::{PixelFormat, RawPicture};
use crate::ports::SourceError;

/// The largest image file read, bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

pub struct Images {
    paths: std::vec::IntoIter<PathBuf>,
}

impl Images {
    pub fn open(dir: &Path) -> Result<Self, SourceError> {
        let doing = format!("reading {}", dir.display());
        let entries = std::fs::read_dir(dir).map_err(|e| SourceError::new(&doing, e))?;
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|e| e.path())).filter(|path| is_image(path)).collect();
        if paths.is_empty() {
            return Err(SourceError(format!("{} holds no .jpg, .png or .webp images", dir.display())));
        }
        paths.sort();
        Ok(Self { paths: paths.into_iter() })
    }
}

impl Clip for Images {
    /// Images that cannot be read are passed over and named in the log.
    fn next(&mut self) -> Result<Option<RawPicture>, SourceError> {
        for path in self.paths.by_ref() {
            match read(&path) {
                Ok(picture) => return Ok(Some(picture)),
                Err(error) => tracing::warn!(path = %path.display(), "image is passed over: {error}"),
            }
        }
        Ok(None)
    }
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ["jpg", "jpeg", "png", "webp"].contains(&extension.as_str())
}

fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8])
}

fn read(path: &Path) -> Result<RawPicture, String> {
    let size_bytes = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if size_bytes > MAX_FILE_BYTES {
        return Err(format!("{size_bytes} bytes are more than {MAX_FILE_BYTES}"));
    }
    let data = std::fs::read(path).map_err(|e| e.to_string())?;
    if is_jpeg(&data) {
        return Ok(RawPicture { format: PixelFormat::Jpeg, width: 0, height: 0, stride: 0, data });
    }
    let rgb = image::load_from_memory(&data).map_err(|e| e.to_string())?.into_rgb8();
    let (width, height) = rgb.dimensions();
    Ok(RawPicture { format: PixelFormat::Rgb, width, height, stride: 3 * width as usize, data: rgb.into_raw() })
}
