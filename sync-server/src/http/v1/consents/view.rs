//! A consent as the API shows it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::consent::{Consent, ConsentEnd};

/// A consent of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentView {
    /// Id.
    id: Uuid,
    /// To which version of the text; none for one noted before there were records.
    text_version: Option<u64>,
    /// In which language the text was read, if that was said.
    language: Option<String>,
    /// `written`, `electronic`, `verbal`, `imported`, `unspecified`, or `before_records`.
    #[schema(value_type = String)]
    method: &'static str,
    /// When it was given.
    given_at: String,
    /// Who gave it, where that was not the person, or empty.
    given_by: String,
    /// What else was said, or empty.
    note: String,
    /// When it was recorded.
    recorded_at: String,
    /// By whom: `user:<id>`, `service:<id>`, or empty for one of before there were records.
    recorded_by: String,
    /// How it ended; none as long as it is in force.
    end: Option<ConsentEndView>,
}

/// How a consent ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentEndView {
    /// When.
    at: String,
    /// `withdrawn`, `superseded` by a newer one, or `erased` with the person.
    #[schema(value_type = String)]
    how: &'static str,
    /// How it was withdrawn, if it was.
    #[schema(value_type = Option<String>)]
    method: Option<&'static str>,
    /// Recorded by whom.
    by: String,
    /// What else was said, or empty.
    note: String,
}

impl From<ConsentEnd> for ConsentEndView {
    fn from(end: ConsentEnd) -> Self {
        Self {
            at: end.at.to_rfc3339(),
            how: end.how.as_str(),
            method: end.method.map(|method| method.as_str()),
            by: end.by,
            note: end.note,
        }
    }
}

impl From<Consent> for ConsentView {
    fn from(consent: Consent) -> Self {
        Self {
            id: consent.id.0,
            text_version: consent.text_version,
            language: consent.language,
            method: consent.method.as_str(),
            given_at: consent.given_at.to_rfc3339(),
            given_by: consent.words.given_by,
            note: consent.words.note,
            recorded_at: consent.recorded_at.to_rfc3339(),
            recorded_by: consent.recorded_by,
            end: consent.end.map(ConsentEndView::from),
        }
    }
}
