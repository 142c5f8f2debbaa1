//! Who was seen on how many days: a ranking of persons, which an installation must switch on, and which leaves a line in the
//! audit log each time.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::table::{Asked, Figure, FigureRow};
use crate::domain::access::Permission;
use crate::domain::access::may::{PersonsRead, SettingsManage, SettingsRead};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::{May, Throughout};
use crate::http::etag::{MustMatch, etag};
use crate::http::extract::{Valid, ValidQuery};
use crate::http::problem::{ApiError, Problem};
use crate::ports::StoreError;

/// The document's name in the store.
const NAME: &str = "analytics";
/// Persons shown.
const MOST: u32 = 100;

/// What is reckoned beyond figures that name nobody.
#[derive(Default, Deserialize, Serialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct AnalyticsSettings {
    /// Whether persons may be ranked by how often they were seen. In many places that needs those persons' word, or their
    /// representatives'.
    #[garde(skip)]
    rank_persons: bool,
}

async fn load(api: &Api) -> Result<(AnalyticsSettings, u64), ApiError> {
    let Some(set) = api.store.setting(NAME).await? else { return Ok((AnalyticsSettings::default(), 0)) };
    let corrupt = |e: serde_json::Error| StoreError::Corrupt { what: "analytics settings", reason: e.to_string() };
    Ok((serde_json::from_str(&set.value).map_err(corrupt)?, set.version))
}

/// What is reckoned beyond figures that name nobody.
#[utoipa::path(get, path = "/api/v1/settings/analytics", operation_id = "settings_analytics", tag = "settings",
    security(("bearer" = [])),
    responses((status = 200, description = "The settings; the `ETag` is the version", body = AnalyticsSettings)))]
pub async fn settings(State(api): State<Api>, _may: May<SettingsRead>) -> Result<Response, ApiError> {
    answer(&api).await
}

/// Set what is reckoned beyond figures that name nobody.
#[utoipa::path(put, path = "/api/v1/settings/analytics", operation_id = "settings_analytics_set", tag = "settings",
    security(("bearer" = [])), request_body = AnalyticsSettings,
    params(("If-Match" = String, Header, description = "The `ETag` the change was made against, or `*`")),
    responses((status = 200, description = "Set", body = AnalyticsSettings)))]
#[tracing::instrument(name = "http.v1.settings.analytics", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    MustMatch(expected): MustMatch,
    Valid(body): Valid<AnalyticsSettings>,
) -> Result<Response, ApiError> {
    let was = serde_json::to_value(load(&api).await?.0).ok();
    let json = serde_json::to_value(&body).expect("settings have a JSON form");
    let note = api.note(&may.caller, "settings.analytics", "installation".into(), was, Some(json.clone()));
    api.store.put_setting(NAME, &json.to_string(), Change { expected, now: api.now() }, &note).await?;
    answer(&api).await
}

async fn answer(api: &Api) -> Result<Response, ApiError> {
    let (settings, version) = load(api).await?;
    Ok((etag(version), axum::Json(settings)).into_response())
}

/// Who was seen on the most days at doors within reach, 100 at most. Only if the installation has switched it on
/// (`/api/v1/settings/analytics`); each time it is asked for is written into the audit log.
#[utoipa::path(get, path = "/api/v1/analytics/presence", operation_id = "analytics_presence", tag = "analytics",
    security(("bearer" = [])), params(Asked),
    responses(
        (status = 200, description = "The figure; as CSV or SVG if asked for", body = Figure),
        (status = 409, description = "`wrong-state`: it is not switched on", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.analytics.presence", skip_all)]
pub async fn presence(
    State(api): State<Api>,
    may: May<PersonsRead>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Response, ApiError> {
    if !load(&api).await?.0.rank_persons {
        let words = "persons are not ranked here; who sets settings can switch it on (rank_persons)";
        return Err(ApiError::WrongState(words.into()));
    }
    // Visits are seen by one permission and persons by the other; what is reckoned of both needs both.
    let visits = may.caller.access.reach(Permission::EventsRead);
    let span = asked.span(&visits, api.now())?;
    let words = format!("from {} until {}", span.from.to_rfc3339(), span.until.to_rfc3339());
    api.audit_done(&may.caller, "analytics.presence", "persons".into(), words).await?;
    let circle = may.circle().await?;
    let mut rows = Vec::new();
    for (person, days) in api.figures.most_seen(&span, MOST).await? {
        let known = api.store.person(person).await?.filter(|person| circle.admits(&person.groups));
        rows.extend(known.map(|person| FigureRow { label: person.name, values: vec![days as f64] }));
    }
    let figure = Figure {
        title: "Days seen".into(),
        of: "person".into(),
        columns: vec!["days".into()],
        rows,
        facts: serde_json::Map::new(),
    };
    figure.answer(asked.format.as_deref())
}
