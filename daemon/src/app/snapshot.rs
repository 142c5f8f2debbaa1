//! A picture by command: only where the configuration allows it, kept nowhere.

use std::time::Duration;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, Resizer};
use ostiary_models::frame::RgbImage;

use crate::config::{Config, SnapshotPolicy};
use crate::convert::encode_jpeg;
use crate::shared::Shared;

/// Longest wait for a frame.
const FRAME_WITHIN: Duration = Duration::from_secs(5);
/// Longest side of the picture, pixels: what a person needs to point a camera.
const MAX_SIDE: u32 = 1280;

/// Takes a picture as JPEG of at most `max_bytes`.
///
/// # Errors
/// In words: not allowed, no frame, no picture.
pub fn take(shared: &Shared, config: &Config, max_bytes: usize) -> Result<Vec<u8>, String> {
    if config.commands.snapshot == SnapshotPolicy::Off {
        return Err("this device's configuration allows no pictures: commands.snapshot = \"on\" would".into());
    }
    let frame = shared.board.glimpse.ask(FRAME_WITHIN).ok_or("the camera gives no frames")?;
    let picture = frame.to_rgb().map_err(|error| error.to_string())?;
    encode_jpeg(&shrunk(picture)?, max_bytes).ok_or_else(|| "the picture does not fit into an answer".to_owned())
}

fn shrunk(picture: RgbImage) -> Result<RgbImage, String> {
    let (width, height) = (picture.width(), picture.height());
    let longest = width.max(height);
    if longest <= MAX_SIDE {
        return Ok(picture);
    }
    let smaller = |side: u32| (side * MAX_SIDE / longest).max(1);
    let (to_width, to_height) = (smaller(width), smaller(height));
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let source = ImageRef::new(width, height, picture.as_raw(), PixelType::U8x3).map_err(|error| failed(&error))?;
    let mut target = Image::new(to_width, to_height, PixelType::U8x3);
    Resizer::new().resize(&source, &mut target, None).map_err(|error| failed(&error))?;
    RgbImage::from_raw(to_width, to_height, target.into_vec()).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_shrink_and_keep_their_shape() {
        let check = |width, height, expected| {
            let small = shrunk(RgbImage::black(width, height)).unwrap();
            assert_eq!((small.width(), small.height()), expected);
        };
        check(640, 480, (640, 480));
        check(2560, 1440, (1280, 720));
        check(1000, 4000, (320, 1280));
    }
}
