//! What the installation is called and where it stands.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::installation::Installation;
use crate::domain::name::Name;
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::{May, Throughout};
use crate::http::etag::{MustMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::ApiError;
use crate::http::rules;
use crate::ports::{Store, StoreError};

/// The document's name in the store.
const NAME: &str = "general";

/// Settings of the installation as a whole.
#[derive(Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct GeneralSettings {
    /// What it is called, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Ostiary")]
    name: String,
    /// The IANA name of the time zone by which days are counted.
    #[garde(length(max = 100), custom(known_time_zone))]
    #[schema(example = "Europe/Vienna")]
    time_zone: String,
}

fn known_time_zone(name: &str, _: &()) -> garde::Result {
    let unknown = |_| garde::Error::new("must be the IANA name of a time zone, as `Europe/Vienna`");
    TimeZone::get(name).map(drop).map_err(unknown)
}

impl From<Installation> for GeneralSettings {
    fn from(installation: Installation) -> Self {
        Self { name: installation.name.into_string(), time_zone: installation.time_zone }
    }
}

/// The installation's settings and their version.
///
/// # Errors
/// [`StoreError`].
pub async fn installation(store: &dyn Store) -> Result<(Installation, u64), StoreError> {
    let Some(set) = store.setting(NAME).await? else { return Ok((Installation::default(), 0)) };
    let corrupt = |reason: String| StoreError::Corrupt { what: "general settings", reason };
    let stored: GeneralSettings = serde_json::from_str(&set.value).map_err(|e| corrupt(e.to_string()))?;
    let name = Name::parse(&stored.name).map_err(|e| corrupt(e.to_string()))?;
    Ok((Installation { name, time_zone: stored.time_zone }, set.version))
}

/// What the installation is called, and its time zone.
#[utoipa::path(get, path = "/api/v1/settings/general", operation_id = "settings_general", tag = "settings",
    security(("bearer" = [])),
    responses((status = 200, description = "The settings; the `ETag` is the version", body = GeneralSettings)))]
pub async fn read(State(api): State<Api>, _may: May<SettingsRead>) -> Result<Response, ApiError> {
    answer(&api).await
}

/// Set what the installation is called, and its time zone.
#[utoipa::path(put, path = "/api/v1/settings/general", operation_id = "settings_general_set", tag = "settings",
    security(("bearer" = [])), request_body = GeneralSettings,
    params(("If-Match" = String, Header, description = "The `ETag` the change was made against, or `*`")),
    responses((status = 200, description = "Set", body = GeneralSettings)))]
#[tracing::instrument(name = "http.v1.settings.general", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    MustMatch(expected): MustMatch,
    Valid(body): Valid<GeneralSettings>,
) -> Result<Response, ApiError> {
    let was = GeneralSettings::from(installation(&*api.store).await?.0);
    let became = GeneralSettings { name: rules::parsed_name(&body.name)?, time_zone: body.time_zone };
    let json = serde_json::to_value(&became).expect("texts have a JSON form");
    let was = serde_json::to_value(&was).ok();
    let note = api.note(&may.caller, "settings.general", "installation".into(), was, Some(json.clone()));
    let change = Change { expected, now: api.now() };
    api.store.put_setting(NAME, &json.to_string(), change, &note).await?;
    answer(&api).await
}

async fn answer(api: &Api) -> Result<Response, ApiError> {
    let (installation, version) = installation(&*api.store).await?;
    Ok((etag(version), axum::Json(GeneralSettings::from(installation))).into_response())
}
