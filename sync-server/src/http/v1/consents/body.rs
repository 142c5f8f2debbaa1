//! A consent as sent.

use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::domain::consent::{Consent, ConsentId, ConsentMethod, ConsentWords};
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::problem::{ApiError, FieldError};
use crate::http::rules::{self, Rfc3339};

/// Clocks of browsers may be a little ahead of the server's.
const AHEAD_MS: i64 = 5 * 60 * 1000;

/// What is known of a consent.
#[derive(Clone, Debug, Default, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentBody {
    /// How it was given: `written`, `electronic`, `verbal`, `imported` (from a system that has the proof) or
    /// `unspecified`, which it is if nothing is said.
    #[garde(custom(rules::one_of(&METHODS)))]
    #[schema(example = "written")]
    method: Option<String>,
    /// When it was given, RFC 3339; now if nothing is said.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-21T08:00:00Z")]
    given_at: Option<Rfc3339>,
    /// To which version of the text; the one in force if nothing is said.
    #[garde(inner(range(min = 1)))]
    #[schema(minimum = 1)]
    text_version: Option<u64>,
    /// In which language the text was read, one of those it has.
    #[garde(inner(length(chars, min = 1, max = 35)))]
    #[schema(min_length = 1, max_length = 35, example = "en")]
    language: Option<String>,
    /// Who gave it, where that was not the person: a parent, a guardian. Kept sealed.
    #[garde(length(chars, max = 200), custom(rules::plain))]
    #[schema(max_length = 200)]
    given_by: String,
    /// Where the proof lies, or what else there is to say. Kept sealed.
    #[garde(length(chars, max = 1000), custom(rules::notes))]
    #[schema(max_length = 1000)]
    note: String,
}

const METHODS: [&str; 5] = ["written", "electronic", "verbal", "imported", "unspecified"];

/// Whether a new person has consented, and how.
#[derive(Clone, Debug, Deserialize, ToSchema, Validate)]
#[serde(untagged)]
pub enum ConsentSaid {
    /// Yes or no, and nothing else is known.
    Plain(#[garde(skip)] bool),
    /// What is known of it.
    Record(#[garde(dive)] ConsentBody),
}

impl Default for ConsentSaid {
    fn default() -> Self {
        Self::Plain(false)
    }
}

impl ConsentSaid {
    /// What is to be recorded, if anything is.
    pub fn record(self) -> Option<ConsentBody> {
        match self {
            Self::Plain(given) => given.then(ConsentBody::default),
            Self::Record(body) => Some(body),
        }
    }
}

/// A method as sent.
pub(super) fn method(text: Option<&str>) -> Result<ConsentMethod, ApiError> {
    let Some(text) = text else { return Ok(ConsentMethod::Unspecified) };
    let unknown = || ApiError::Invalid { field: "method", detail: format!("must be one of {}", METHODS.join(", ")) };
    ConsentMethod::parse(text).ok_or_else(unknown)
}

impl ConsentBody {
    /// The consent of a person, recorded now by this caller. `path`: where it stands in the body, or empty.
    ///
    /// # Errors
    /// [`ApiError::InvalidFields`] for a time to come, a version that never was, a language the text does not have.
    pub async fn consent(self, api: &Api, caller: &Caller, person: PersonId, path: &str) -> Result<Consent, ApiError> {
        let now = api.now();
        let at = |field: &str| if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        let invalid =
            |field: &str, detail: String| ApiError::InvalidFields(vec![FieldError::of_body(&at(field), detail)]);
        let given_at = self.given_at.map_or(now, |at| at.0);
        if given_at.0 > now.0 + AHEAD_MS {
            return Err(invalid("given_at", "must not lie in the future".into()));
        }
        let text = match self.text_version {
            None => Some(api.store.consent_text().await?.text),
            Some(version) => api.store.consent_text_of(version).await?,
        };
        let Some(text) = text else {
            return Err(invalid("text_version", "there is no such version; see /api/v1/settings/consent-text".into()));
        };
        if let Some(language) = self.language.as_ref().filter(|language| !text.texts.contains_key(*language)) {
            let known = text.texts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(invalid(
                "language",
                format!("version {} is not in `{language}`, but in {known}", text.version),
            ));
        }
        Ok(Consent {
            id: ConsentId::generate(),
            person,
            text_version: Some(text.version),
            language: self.language,
            method: method(self.method.as_deref())?,
            given_at,
            recorded_at: now,
            recorded_by: caller.actor(),
            words: ConsentWords { given_by: self.given_by, note: self.note },
            end: None,
        })
    }
}

/// What of a consent stands in the audit log: nothing that was said in words.
pub fn facts(consent: &Consent) -> Value {
    json!({
        "consent": consent.id,
        "text_version": consent.text_version,
        "method": consent.method.as_str(),
        "given_at": consent.given_at.to_rfc3339(),
    })
}
