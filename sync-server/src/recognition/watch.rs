//! Tells metrics, log and health how full the gallery is. The log hears of it when it changes, not every minute.

use std::sync::{Mutex, PoisonError};

use ostiary_models::calibration::Fullness;

use super::forecast::Forecast;

/// What was last said.
#[derive(Default)]
pub(super) struct Watch {
    said: Mutex<Option<Said>>,
}

struct Said {
    fullness: Option<Fullness>,
    advice: Option<String>,
}

impl Watch {
    /// Takes what was found, and says what is new.
    pub(super) fn note(&self, forecast: &Forecast) {
        let persons = forecast.question.persons;
        metrics::gauge!("ostiary_gallery_persons").set(persons as f64);
        if let Some(room) = forecast.room {
            metrics::gauge!("ostiary_gallery_capacity_persons").set(room.capacity.persons as f64);
            metrics::gauge!("ostiary_gallery_capacity_persons_low").set(room.capacity.low as f64);
            metrics::gauge!("ostiary_gallery_capacity_persons_high").set(room.capacity.high as f64);
        }
        let fullness = forecast.fullness();
        let advice = forecast.advice();
        let said = Said { fullness, advice: advice.clone() };
        let before = self.said.lock().unwrap_or_else(PoisonError::into_inner).replace(said);
        if before.and_then(|said| said.fullness) == fullness {
            return;
        }
        match advice {
            Some(advice) => tracing::warn!(gallery.persons = persons, "{advice}"),
            None => tracing::info!(gallery.persons = persons, "the gallery has room again"),
        }
    }

    /// What is to be said of the gallery, if anything is.
    pub(super) fn warning(&self) -> Option<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|said| said.advice.clone())
    }
}
