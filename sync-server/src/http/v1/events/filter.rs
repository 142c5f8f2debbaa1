//! Which events lists and counts want: from what was sent to the domain's filter.

use ostiary_common::ids::{DeviceId, DoorId, PersonId, SiteId, UnknownId};
use uuid::Uuid;

use crate::domain::event::{EventFilter, EventKind};
use crate::http::problem::ApiError;
use crate::http::rules::Rfc3339;

/// Which events; all that is said must fit. Lists and counts have these among their own parameters.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Kinds, with commas between.
    pub kind: Option<String>,
    /// At doors of this site.
    pub site: Option<Uuid>,
    /// At this door.
    pub door: Option<Uuid>,
    /// Of this device.
    pub device: Option<Uuid>,
    /// Visits of this person.
    pub person: Option<Uuid>,
    /// Visits put together as this unknown visitor.
    pub unknown: Option<Uuid>,
    /// From this time on.
    pub from: Option<Rfc3339>,
    /// Before this time.
    pub until: Option<Rfc3339>,
    /// The least score.
    pub score_min: Option<f64>,
    /// The greatest score.
    pub score_max: Option<f64>,
}

impl Filters {
    /// The filter.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`].
    pub fn parse(self) -> Result<EventFilter, ApiError> {
        Ok(EventFilter {
            device: self.device.map(DeviceId),
            door: self.door.map(DoorId),
            person: self.person.map(PersonId),
            unknown: self.unknown.map(UnknownId),
            site: self.site.map(SiteId),
            kinds: kinds(self.kind.as_deref())?,
            from: self.from.map(|at| at.0),
            until: self.until.map(|at| at.0),
            score_from: self.score_min,
            score_to: self.score_max,
        })
    }
}

fn kinds(text: Option<&str>) -> Result<Vec<EventKind>, ApiError> {
    let parse = |word: &str| {
        EventKind::parse(word.trim()).filter(|kind| *kind != EventKind::Other).ok_or_else(|| {
            let detail = "must be match, unknown, spoof_suspected, unusable or report, or several with commas between";
            ApiError::InvalidQuery { name: "kind", detail: detail.into() }
        })
    };
    text.into_iter().flat_map(|text| text.split(',')).map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_with_commas() {
        let check = |text: Option<&str>, expected: Option<&[EventKind]>| {
            assert_eq!(kinds(text).ok().as_deref(), expected, "{text:?}");
        };
        check(None, Some(&[]));
        check(Some("match"), Some(&[EventKind::Match]));
        check(Some("match, report"), Some(&[EventKind::Match, EventKind::Report]));
        check(Some("other"), None);
        check(Some("match,"), None);
        check(Some(""), None);
    }
}
