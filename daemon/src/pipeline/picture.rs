//! A frame as far as it is needed: halved to find faces in, whole once there is one.

use std::sync::Arc;

use ostiary_models::detect::DetectedFace;
use ostiary_models::frame::RgbImage;

use crate::convert::{ConvertError, RawPicture};
use crate::ports::{FaceFinder, FinderError};

/// A frame on its way to be looked at.
pub struct Picture<'a> {
    raw: &'a RawPicture,
    half: Option<RgbImage>,
    whole: Option<Arc<RgbImage>>,
}

impl<'a> Picture<'a> {
    /// Converts what `finder` wants to see of it.
    ///
    /// # Errors
    /// [`ConvertError`] if the bytes do not make a picture.
    pub fn new(raw: &'a RawPicture, finder: &impl FaceFinder) -> Result<Self, ConvertError> {
        // What size a JPEG has shows when it is decoded.
        let half = raw.to_half_rgb()?.filter(|half| finder.looks_at_half(2 * half.width(), 2 * half.height()));
        let mut picture = Self { raw, half, whole: None };
        if picture.half.is_none() {
            picture.whole()?;
        }
        Ok(picture)
    }

    /// The faces in it, in pixels of the whole.
    ///
    /// # Errors
    /// [`FinderError`] if the net fails.
    pub fn find(&self, finder: &mut impl FaceFinder) -> Result<Vec<DetectedFace>, FinderError> {
        match (&self.half, &self.whole) {
            (_, Some(whole)) => finder.find(whole.view()),
            (Some(half), None) => finder.find_in_half(half.view()),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// All of it; converted when it is first asked for.
    ///
    /// # Errors
    /// [`ConvertError`] if the bytes do not make a picture.
    pub fn whole(&mut self) -> Result<Arc<RgbImage>, ConvertError> {
        if let Some(whole) = &self.whole {
            return Ok(Arc::clone(whole));
        }
        let whole = Arc::new(self.raw.to_rgb()?);
        self.whole = Some(Arc::clone(&whole));
        Ok(whole)
    }
}
