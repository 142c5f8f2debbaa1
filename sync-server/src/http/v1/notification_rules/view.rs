//! A rule as it is shown, and where it may be.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::Rule;
use crate::http::auth::May;
use crate::http::notices::is_within;
use crate::http::problem::ApiError;
use crate::notify::form::{InvalidForm, RuleForm};
use crate::notify::rulebook;
use crate::ports::notify::StoredRule;

/// A rule.
#[derive(Serialize, ToSchema)]
pub struct RuleView {
    /// Id.
    id: Uuid,
    /// What it says.
    #[serde(flatten)]
    rule: RuleForm,
    /// Made at.
    created_at: String,
    /// Changed at.
    changed_at: String,
    /// Rises with every change; also the `ETag`.
    version: u64,
}

impl TryFrom<&StoredRule> for RuleView {
    type Error = ApiError;
    fn try_from(stored: &StoredRule) -> Result<Self, ApiError> {
        Ok(Self {
            id: stored.id.0,
            rule: RuleForm::from(&rulebook::read(stored)?),
            created_at: stored.created_at.to_rfc3339(),
            changed_at: stored.changed_at.to_rfc3339(),
            version: stored.version,
        })
    }
}

/// A rule that may be set by this caller: its place and its webhooks are within reach.
///
/// # Errors
/// [`ApiError::Invalid`], [`ApiError::NotFound`].
pub async fn settable(
    may: &May<NotificationsManage>,
    form: &RuleForm,
    id: crate::domain::notify::RuleId,
) -> Result<Rule, ApiError> {
    let rule = form.rule(id).map_err(|InvalidForm { field, detail }| ApiError::Invalid { field, detail })?;
    may.found(is_within(may, rule.place).await?.then_some(()), "site or door")?;
    let escalated = rule.escalation.iter().flat_map(|escalation| &escalation.how.webhooks);
    for id in rule.how.webhooks.iter().chain(escalated) {
        super::super::webhooks::found(may, *id).await?;
    }
    Ok(rule)
}
