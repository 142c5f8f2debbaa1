//! Which judgements: the last ninety days, unless something else is asked for.

use std::time::Duration;

use ostiary_common::ids::{DoorId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;
use uuid::Uuid;

use crate::domain::access::Reach;
use crate::domain::judgement::Judgement;
use crate::http::api::Api;
use crate::http::problem::ApiError;
use crate::http::rules::Rfc3339;
use crate::ports::judgements::JudgementFilter;

/// Judgements of one answer; older ones are left out.
const MOST: u32 = 100_000;
/// The span if none is asked for.
const USUAL: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// The filter of what was sent.
pub(super) fn filter(
    api: &Api,
    (site, door, person): (Option<Uuid>, Option<Uuid>, Option<Uuid>),
    (from, until): (Option<Rfc3339>, Option<Rfc3339>),
) -> JudgementFilter {
    let until = until.map_or_else(|| api.now(), |until| until.0);
    let usual = UnixMillis(until.0.saturating_sub(i64::try_from(USUAL.as_millis()).unwrap_or(i64::MAX)));
    JudgementFilter {
        site: site.map(SiteId),
        door: door.map(DoorId),
        person: person.map(PersonId),
        from: Some(from.map_or(usual, |from| from.0)),
        until: Some(until),
    }
}

/// The judgements.
pub(super) async fn judgements(api: &Api, reach: &Reach, filter: &JudgementFilter) -> Result<Vec<Judgement>, ApiError> {
    Ok(api.store.judgements_within(reach, filter, MOST).await?)
}
