//! How strict recognition is, for the whole installation.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::wire::LivenessPolicy;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::recognition::{Change, InstallationRules, Share, Similarity};
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::recognition::outlook::Outlook;
use crate::http::v1::recognition::values::{derivable, share, similarity};

/// How strict recognition is wherever a door or a device does not say otherwise. What is left out is not set.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct RecognitionSettings {
    /// Share of strangers' visits that may be taken for someone, above 0 and below 1; threshold and margin follow
    /// from it. Not set, the model pack's own hold.
    #[garde(inner(custom(rules::share)))]
    #[schema(example = 0.01)]
    target_fpir: Option<f32>,
    /// Share of enrolled people's visits that may go unrecognised, above 0 and below 1; the gallery's capacity is
    /// judged by it. Not set, it is 0.05.
    #[garde(inner(custom(rules::share)))]
    target_fnir: Option<f32>,
    /// What is done with a visit that does not look live: `off`, `report` or `block`. Not set, each device's own
    /// configuration holds, which is `report` unless changed.
    #[garde(skip)]
    #[schema(value_type = Option<String>, example = "report")]
    liveness: Option<LivenessPolicy>,
    /// Similarity (cosine, 0 to 1) from which another person is named at enrollment. Not set, it is the threshold
    /// less the margin.
    #[garde(inner(custom(rules::similarity)))]
    lookalike_similarity: Option<f32>,
}

/// The installation's settings and what follows from them.
#[derive(Serialize, ToSchema)]
pub struct RecognitionView {
    /// Rises with every change; also the `ETag`.
    version: u64,
    /// The last change.
    changed_at: Option<String>,
    /// What is set.
    settings: RecognitionSettings,
    /// Similarity from which another person is named at enrollment now.
    lookalike_similarity_in_force: f32,
    /// What follows for the present gallery.
    outlook: Outlook,
}

impl From<InstallationRules> for RecognitionSettings {
    fn from(rules: InstallationRules) -> Self {
        Self {
            target_fpir: rules.target_fpir.map(Share::get),
            target_fnir: Some(rules.target_fnir.get()),
            liveness: rules.liveness,
            lookalike_similarity: rules.lookalike.map(Similarity::get),
        }
    }
}

impl RecognitionSettings {
    fn check(&self) -> Result<InstallationRules, ApiError> {
        let standard = InstallationRules::default();
        Ok(InstallationRules {
            target_fpir: share("target_fpir", self.target_fpir)?,
            target_fnir: share("target_fnir", self.target_fnir)?.unwrap_or(standard.target_fnir),
            liveness: self.liveness,
            lookalike: similarity("lookalike_similarity", self.lookalike_similarity)?,
        })
    }
}

/// How strict recognition is, and what follows: threshold, margin, the errors to expect, and how many people the
/// model pack can tell apart.
#[utoipa::path(get, path = "/api/v1/settings/recognition", operation_id = "settings_recognition", tag = "recognition",
    security(("bearer" = [])),
    responses((status = 200, description = "The settings and what follows; the `ETag` is the version",
        body = RecognitionView)))]
pub async fn read(State(api): State<Api>, _may: Throughout<SettingsRead>) -> Result<Response, ApiError> {
    answer(&api).await
}

/// Set how strict recognition is. Devices are told at once, unless their door or their own settings say otherwise.
#[utoipa::path(put, path = "/api/v1/settings/recognition", operation_id = "settings_recognition_set",
    tag = "recognition", security(("bearer" = [])), request_body = RecognitionSettings,
    params(("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Set", body = RecognitionView),
        (status = 412, description = "`outdated`: changed meanwhile", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, or `pack-not-calibrated`", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.settings.recognition", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    IfMatch(expected): IfMatch,
    Valid(settings): Valid<RecognitionSettings>,
) -> Result<Response, ApiError> {
    let rules = settings.check()?;
    derivable(&api, settings.target_fpir)?;
    let changed = api.store.put_recognition(&rules, Change { expected, now: api.now() }).await?;
    api.tell_devices(&changed);
    let detail =
        serde_json::json!({"version": changed.version, "settings": settings, "devices": changed.devices.len()});
    api.audit_done(&may.caller, "recognition.configure", "installation".into(), detail.to_string()).await?;
    answer(&api).await
}

async fn answer(api: &Api) -> Result<Response, ApiError> {
    let (set, forecast) = api.recognition.installation().await?;
    let view = RecognitionView {
        version: set.version,
        changed_at: set.changed_at.map(|at| at.to_rfc3339()),
        settings: set.value.into(),
        lookalike_similarity_in_force: api.recognition.lookalike_limit().await?,
        outlook: Outlook::new(api, forecast),
    };
    Ok((etag(set.version), axum::Json(view)).into_response())
}
