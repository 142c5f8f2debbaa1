//! The small picture of a face an event may carry.

use ostiary_models::frame::{RgbImage, RgbView};
use ostiary_models::geometry::Rect;

/// The longest side, pixels.
const SIDE: u32 = 128;
/// The largest JPEG, bytes. Every byte is written twice, once as a zero, and with it the rest of a page: 3 000 pictured
/// visits a day must stay below the 50 MB that a memory card bears for years (`cargo xtask bench day`).
const MAX_BYTES: usize = 4 * 1024;
/// How much of the surroundings is shown, in sizes of the face.
const ROOM: f32 = 1.6;

/// Cuts the face out with some room around it, scaled down to at most [`SIDE`] pixels.
pub fn cut(frame: &RgbView<'_>, face: &Rect) -> RgbImage {
    cut_to(frame, face, ROOM, SIDE)
}

/// Cuts the face out with `room` sizes of it around, scaled down to at most `side` pixels.
pub fn cut_to(frame: &RgbView<'_>, face: &Rect, room: f32, side: u32) -> RgbImage {
    let wanted = face.square_around(room).intersection(&frame.bounds());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the frame, so not negative")]
    let [left, top, width, height] = [wanted.left, wanted.top, wanted.width, wanted.height].map(|v| v.max(0.0) as u32);
    let part = frame.cropped(left, top, width.max(1), height.max(1)).to_image();
    if part.width().max(part.height()) <= side { part } else { shrink(part, side) }
}

fn shrink(part: RgbImage, side: u32) -> RgbImage {
    let (width, height) = (part.width(), part.height());
    let buffer = image::RgbImage::from_raw(width, height, part.into_raw()).expect("an image has the bytes of its size");
    let small = image::DynamicImage::ImageRgb8(buffer).thumbnail(side, side).into_rgb8();
    let (width, height) = small.dimensions();
    RgbImage::from_raw(width, height, small.into_raw()).expect("a thumbnail has the bytes of its size")
}

/// The picture as a JPEG of at most [`MAX_BYTES`].
pub fn jpeg(picture: &RgbImage) -> Option<Vec<u8>> {
    crate::convert::encode_jpeg(picture, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_face_gives_a_small_picture() {
        let frame = RgbImage::black(640, 480);
        for (x, y, side) in [(100.0, 100.0, 50.0), (-40.0, -40.0, 90.0), (600.0, 470.0, 300.0), (900.0, 900.0, 10.0)] {
            let picture = cut(&frame.view(), &Rect::new(x, y, side, side));
            assert!((1..=SIDE).contains(&picture.width()) && (1..=SIDE).contains(&picture.height()), "{x} {y} {side}");
            assert!(jpeg(&picture).is_some_and(|bytes| bytes.len() <= MAX_BYTES));
        }
    }

    /// A picture full of noise is the largest there is, and still becomes a small JPEG.
    #[test]
    fn the_worst_picture_fits() {
        let mut state = 1_u32;
        let mut frame = RgbImage::black(640, 480);
        for byte in frame.as_raw_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        let picture = cut(&frame.view(), &Rect::new(200.0, 200.0, 100.0, 100.0));
        assert!(jpeg(&picture).is_some_and(|bytes| bytes.len() <= MAX_BYTES));
    }
}
