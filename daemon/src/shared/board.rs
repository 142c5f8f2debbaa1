//! What is known of the board itself: what its camera sees on the whole, how it is, and a frame for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::glimpse::Glimpse;
use crate::domain::alarms::Alarm;
use crate::domain::blur::Sharpness;

/// The board.
#[derive(Debug, Default)]
pub struct Board {
    /// One frame for somebody outside of the pipeline.
    pub glimpse: Glimpse,
    /// What the camera sees on the whole.
    pub sight: Sight,
    /// How the board was when it was last looked at; replaced as a whole.
    pub vitals: ArcSwap<Vitals>,
}

/// How the board is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vitals {
    /// Figures by their names.
    pub figures: BTreeMap<String, f64>,
    /// Alarms that are raised.
    pub alarms: Vec<Alarm>,
}

/// What the camera sees on the whole: how light it is, and how sharp faces are.
#[derive(Debug, Default)]
pub struct Sight {
    light: Mutex<Option<(f32, f32)>>,
    sharpness: Mutex<Sharpness>,
}

impl Sight {
    /// A frame was measured in blocks of these mean luminances.
    pub fn measured(&self, means: &[f32]) {
        if means.is_empty() {
            return;
        }
        let count = means.len() as f32;
        let mean = means.iter().sum::<f32>() / count;
        let variance = means.iter().map(|block| (block - mean).powi(2)).sum::<f32>() / count;
        *self.light.lock().unwrap_or_else(PoisonError::into_inner) = Some((mean, variance.sqrt()));
    }

    /// A face of this sharpness was seen.
    pub fn saw_face(&self, sharpness: f32, now: Duration) {
        self.sharpness.lock().unwrap_or_else(PoisonError::into_inner).saw(sharpness, now);
    }

    /// Mean luminance of the newest frame measured (0 to 255), and how much it differs from place to place.
    pub fn light(&self) -> Option<(f32, f32)> {
        *self.light.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether faces have become blurred over days.
    pub fn is_blurred(&self) -> bool {
        self.sharpness.lock().unwrap_or_else(PoisonError::into_inner).is_blurred()
    }
}
