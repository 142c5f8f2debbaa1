//! The text persons consent to. Each change is a new version; what was consented to can be read for good.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::domain::access::may::{SettingsManage, SettingsRead};
use crate::domain::consent::{ConsentText, MOST_ERASE_AFTER_DAYS, NewConsentText};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::{May, Throughout};
use crate::http::etag::{MustMatch, etag};
use crate::http::extract::{Valid, ValidQuery};
use crate::http::problem::{ApiError, Problem};

/// Languages of a text.
const MOST_LANGUAGES: usize = 40;
/// Characters of a text in one language.
const MOST_CHARS: usize = 20_000;

/// The text persons consent to, and what a withdrawal leads to.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ConsentTextBody {
    /// The text by language (BCP 47, as in `en` or `de-AT`), 1 to 40 of them, each of 1 to 20000 characters.
    #[garde(length(min = 1, max = MOST_LANGUAGES), custom(well_formed))]
    #[schema(example = json!({"en": "I agree to be recognised by my face at the doors of Example Ltd. …"}))]
    texts: BTreeMap<String, String>,
    /// Whether consent to earlier versions no longer suffices for new photos. Who is enrolled stays so.
    #[garde(skip)]
    #[serde(default)]
    renews: bool,
    /// How many days after a withdrawal the person is erased, 0 to 30; nobody is recognised meanwhile.
    #[garde(range(max = MOST_ERASE_AFTER_DAYS))]
    #[schema(maximum = 30, example = 7)]
    erase_after_days: u32,
}

fn well_formed(texts: &BTreeMap<String, String>, _: &()) -> garde::Result {
    for (language, text) in texts {
        let subtags = language.split('-');
        let is_subtag =
            |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if language.len() > 35 || !subtags.into_iter().all(is_subtag) {
            return Err(garde::Error::new("languages are BCP 47 tags, as `en` or `de-AT`"));
        }
        if !(1..=MOST_CHARS).contains(&text.trim().chars().count()) {
            return Err(garde::Error::new(format!("a text has 1 to {MOST_CHARS} characters")));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(garde::Error::new("a text must not contain control characters"));
        }
    }
    Ok(())
}

/// Which version of the text.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhichText {
    /// The version; the one in force if nothing is said.
    #[garde(inner(range(min = 1)))]
    #[param(minimum = 1)]
    version: Option<u64>,
}

/// A version of the text.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentTextView {
    /// Counts from 1.
    version: u64,
    /// By language.
    texts: BTreeMap<String, String>,
    /// Whether consent to earlier versions no longer suffices for new photos.
    renews: bool,
    /// How many days after a withdrawal the person is erased.
    erase_after_days: u32,
    /// When it was set; none for the text that came with the program.
    set_at: Option<String>,
    /// By whom: `user:<id>`, `service:<id>`, or empty.
    set_by: String,
    /// The least version consent to which suffices for new photos today.
    least_version: u64,
}

impl ConsentTextView {
    fn new(text: ConsentText, least_version: u64) -> Self {
        Self {
            version: text.version,
            texts: text.texts,
            renews: text.renews,
            erase_after_days: text.erase_after_days,
            set_at: text.set_at.map(|at| at.to_rfc3339()),
            set_by: text.set_by,
            least_version,
        }
    }
}

/// The text persons consent to: the version in force, or an earlier one. The `ETag` is the version in force.
#[utoipa::path(get, path = "/api/v1/settings/consent-text", operation_id = "settings_consent_text", tag = "settings",
    security(("bearer" = [])), params(WhichText),
    responses(
        (status = 200, description = "The text", body = ConsentTextView),
        (status = 404, description = "No such version", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    _may: May<SettingsRead>,
    ValidQuery(which): ValidQuery<WhichText>,
) -> Result<Response, ApiError> {
    answer(&api, which.version).await
}

/// Set the next version of the text. Consents given keep naming the version they were given to.
#[utoipa::path(put, path = "/api/v1/settings/consent-text", operation_id = "settings_consent_text_set",
    tag = "settings", security(("bearer" = [])), request_body = ConsentTextBody,
    params(("If-Match" = String, Header, description = "The `ETag` the change was made against, or `*`")),
    responses((status = 200, description = "Set", body = ConsentTextView)))]
#[tracing::instrument(name = "http.v1.settings.consent_text", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    MustMatch(expected): MustMatch,
    Valid(body): Valid<ConsentTextBody>,
) -> Result<Response, ApiError> {
    let became = json!({
        "texts": body.texts, "renews": body.renews, "erase_after_days": body.erase_after_days,
    });
    let was = json!({"version": api.store.consent_text().await?.text.version});
    let note = api.note(&may.caller, "settings.consent_text", "installation".into(), Some(was), Some(became));
    let text = NewConsentText {
        texts: body.texts,
        renews: body.renews,
        erase_after_days: body.erase_after_days,
        set_by: may.caller.actor(),
    };
    api.store.put_consent_text(&text, Change { expected, now: api.now() }, &note).await?;
    answer(&api, None).await
}

async fn answer(api: &Api, version: Option<u64>) -> Result<Response, ApiError> {
    let in_force = api.store.consent_text().await?;
    let (newest, least_version) = (in_force.text.version, in_force.least_version);
    let text = match version {
        None => in_force.text,
        Some(version) => {
            api.store.consent_text_of(version).await?.ok_or(ApiError::NotFound("version of the consent text"))?
        }
    };
    Ok((etag(newest), axum::Json(ConsentTextView::new(text, least_version))).into_response())
}
