//! A small picture of one face, with a margin around it: what is kept so that another model pack can make a template of
//! the same face later, with its own detector, points and alignment.
//!
//! The chip an embedder is fed would not do: it is cut and turned as one pack wants it.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, imageops};

use crate::frame::{RgbImage, RgbView};
use crate::geometry::Rect;
use crate::photo::{self, PhotoError};

/// The largest picture, in bytes of JPEG.
pub const MAX_BYTES: usize = 40 * 1024;
/// The longest side, in pixels. With the margin a face is then some 150 pixels wide: what embedders are fed and more.
pub const MAX_SIDE: u32 = 336;
/// The picture's side, in longer sides of the face's box: hair, chin and ears are in, and a detector that draws larger
/// boxes still has room around them.
const SIDES: f32 = 2.2;
/// Of JPEG, the best that fits. Below the last the picture is made smaller instead.
const QUALITIES: [u8; 4] = [92, 88, 82, 75];
/// So much smaller it becomes each time.
const SMALLER: f32 = 0.85;
/// The smallest it becomes, in pixels: noise of this size still fits.
const MIN_SIDE: u32 = 64;

/// A picture of one face, a JPEG of at most [`MAX_BYTES`].
#[derive(Clone, PartialEq, Eq)]
pub struct FaceCrop(Vec<u8>);

impl FaceCrop {
    /// Cuts the face in `bbox` (pixels of `picture`) out, with its margin as far as the picture goes. `None` if the box
    /// lies outside.
    #[must_use]
    pub fn cut(picture: RgbView<'_>, bbox: &Rect) -> Option<Self> {
        let (left, top, width, height) = around(picture, bbox)?;
        let cut = picture.cropped(left, top, width, height).to_image();
        Self::encode(&cut)
    }

    /// A picture that was cut by somebody else, as the pictures of visits are; made smaller if it is too large.
    ///
    /// # Errors
    /// [`PhotoError`] if it is no picture.
    pub fn of_jpeg(jpeg: Vec<u8>) -> Result<Option<Self>, PhotoError> {
        let picture = photo::decode(&jpeg)?;
        let fits = jpeg.len() <= MAX_BYTES && picture.width().max(picture.height()) <= MAX_SIDE;
        Ok(if fits { Some(Self(jpeg)) } else { Self::encode(&picture) })
    }

    /// A picture that was kept. `None` if it is larger than any that is.
    #[must_use]
    pub fn kept(jpeg: Vec<u8>) -> Option<Self> {
        (!jpeg.is_empty() && jpeg.len() <= MAX_BYTES).then_some(Self(jpeg))
    }

    /// The JPEG.
    #[must_use]
    pub fn as_jpeg(&self) -> &[u8] {
        &self.0
    }

    /// The JPEG, taken out.
    #[must_use]
    pub fn into_jpeg(self) -> Vec<u8> {
        self.0
    }

    /// With the best quality that fits, made smaller as long as none does.
    fn encode(picture: &RgbImage) -> Option<Self> {
        let picture = image::RgbImage::from_raw(picture.width(), picture.height(), picture.as_raw().to_vec())?;
        let mut side = picture.width().max(picture.height()).min(MAX_SIDE);
        loop {
            let fitted = fitted(&picture, side);
            let found = QUALITIES.iter().find_map(|quality| jpeg(&fitted, *quality).filter(|it| it.len() <= MAX_BYTES));
            if let Some(jpeg) = found {
                return Some(Self(jpeg));
            }
            if side <= MIN_SIDE {
                return None;
            }
            side = ((side as f32 * SMALLER) as u32).max(MIN_SIDE);
        }
    }
}

impl std::fmt::Debug for FaceCrop {
    /// A face is in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FaceCrop({} bytes)", self.0.len())
    }
}

/// The part of the picture to be kept: left, top, width, height in pixels.
fn around(picture: RgbView<'_>, bbox: &Rect) -> Option<(u32, u32, u32, u32)> {
    let square = bbox.square_around(SIDES);
    let sound = [square.left, square.top, square.width].into_iter().all(f32::is_finite) && square.width > 0.0;
    let span = |from: f32, to: f32, end: u32| {
        let (from, to) = (from.max(0.0).floor(), to.min(end as f32).ceil());
        (to - from >= 1.0).then_some((from as u32, (to - from) as u32))
    };
    let (left, width) = span(square.left, square.right(), picture.width())?;
    let (top, height) = span(square.top, square.bottom(), picture.height())?;
    sound.then_some((left, top, width, height))
}

/// The picture with its longer side at most `side`; it is never made larger.
fn fitted(picture: &image::RgbImage, side: u32) -> image::RgbImage {
    let longer = picture.width().max(picture.height());
    if longer <= side {
        return picture.clone();
    }
    let scaled = |length: u32| (u64::from(length) * u64::from(side) / u64::from(longer)).max(1) as u32;
    imageops::resize(picture, scaled(picture.width()), scaled(picture.height()), imageops::FilterType::Triangle)
}

fn jpeg(picture: &image::RgbImage, quality: u8) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    let (width, height) = picture.dimensions();
    encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noise(width: u32, height: u32) -> RgbImage {
        let mut picture = RgbImage::black(width, height);
        let mut state = 1_u32;
        for byte in picture.as_raw_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        picture
    }

    fn sides(crop: &FaceCrop) -> (u32, u32) {
        let picture = photo::decode(crop.as_jpeg()).unwrap();
        (picture.width(), picture.height())
    }

    #[test]
    fn keeps_a_margin_as_far_as_the_picture_goes() {
        let picture = RgbImage::black(1000, 800);
        let check = |bbox: Rect, expected: Option<(u32, u32)>| {
            assert_eq!(FaceCrop::cut(picture.view(), &bbox).as_ref().map(sides), expected, "{bbox:?}");
        };
        check(Rect::new(400.0, 300.0, 100.0, 100.0), Some((220, 220)));
        check(Rect::new(400.0, 300.0, 80.0, 100.0), Some((220, 220)));
        check(Rect::new(0.0, 0.0, 100.0, 100.0), Some((160, 160)));
        check(Rect::new(300.0, 200.0, 400.0, 400.0), Some((MAX_SIDE, 305)));
        check(Rect::new(2000.0, 300.0, 100.0, 100.0), None);
        check(Rect::new(f32::NAN, 300.0, 100.0, 100.0), None);
        check(Rect::new(400.0, 300.0, 0.0, 0.0), None);
    }

    #[test]
    fn what_does_not_fit_becomes_smaller() {
        let crop = FaceCrop::cut(noise(600, 600).view(), &Rect::new(200.0, 200.0, 200.0, 200.0)).unwrap();
        assert!(crop.as_jpeg().len() <= MAX_BYTES);
        assert!(sides(&crop).0 < MAX_SIDE && sides(&crop).0 >= MIN_SIDE, "{:?}", sides(&crop));
        let own = crop.clone().into_jpeg();
        assert_eq!(FaceCrop::of_jpeg(own.clone()).unwrap().unwrap().as_jpeg(), own, "as it is");
        assert!(FaceCrop::of_jpeg(b"no picture".to_vec()).is_err());
        assert!(FaceCrop::kept(vec![0; MAX_BYTES + 1]).is_none() && FaceCrop::kept(Vec::new()).is_none());
        assert_eq!(format!("{crop:?}"), format!("FaceCrop({} bytes)", own.len()), "bytes stay out of logs");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_crop_is_small_enough(
            (width, height) in (1_u32..700, 1_u32..700),
            (x, y) in (-50.0_f32..750.0, -50.0_f32..750.0),
            side in 0.0_f32..600.0,
        ) {
            if let Some(crop) = FaceCrop::cut(noise(width, height).view(), &Rect::new(x, y, side, side)) {
                prop_assert!(crop.as_jpeg().len() <= MAX_BYTES);
                let (width, height) = sides(&crop);
                prop_assert!(width <= MAX_SIDE && height <= MAX_SIDE);
            }
        }
    }
}
