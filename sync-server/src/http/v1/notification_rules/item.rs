//! One rule: look at it, set it, remove it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::view::{RuleView, settable};
use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::RuleId;
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::notices::is_within;
use crate::http::problem::{ApiError, Problem};
use crate::notify::form::RuleForm;
use crate::ports::notify::StoredRule;

pub(super) async fn found(api: &Api, may: &May<NotificationsManage>, id: RuleId) -> Result<StoredRule, ApiError> {
    let stored = may.found(api.notices.store.rule(id).await?, "rule")?;
    let within = is_within(may, stored.place).await?;
    may.found(within.then_some(stored), "rule")
}

fn answer(stored: &StoredRule) -> Result<Response, ApiError> {
    Ok((etag(stored.version), axum::Json(RuleView::try_from(stored)?)).into_response())
}

/// One rule.
#[utoipa::path(get, path = "/api/v1/notification-rules/{id}", operation_id = "notification_rules_read",
    tag = "notifications", security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The rule")),
    responses(
        (status = 200, description = "The rule; the `ETag` is the version", body = RuleView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<RuleId>,
) -> Result<Response, ApiError> {
    answer(&found(&api, &may, id).await?)
}

/// Set what a rule says. What was told by it stays; what it gathers now goes on.
#[utoipa::path(put, path = "/api/v1/notification-rules/{id}", operation_id = "notification_rules_set",
    tag = "notifications", security(("bearer" = [])), request_body = RuleForm,
    params(("id" = uuid::Uuid, Path, description = "The rule"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Set", body = RuleView),
        (status = 404, description = "No such rule, site, door or webhook", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.notification_rules.set", skip_all, fields(rule.id = %id))]
pub async fn set(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<RuleId>,
    IfMatch(expected): IfMatch,
    Valid(form): Valid<RuleForm>,
) -> Result<Response, ApiError> {
    let was = found(&api, &may, id).await?;
    let rule = settable(&may, &form, id).await?;
    let json = serde_json::to_value(RuleForm::from(&rule)).expect("a form has a JSON form");
    let before = serde_json::from_str(&was.form).ok();
    let target = format!("notification_rule:{id}");
    let note = api.note(&may.caller, "notification_rule.configure", target, before, Some(json.clone()));
    let change = Change { expected, now: api.now() };
    let set = api.notices.store.put_rule(id, &json.to_string(), rule.place, change, &note).await?;
    set.ok_or(ApiError::NotFound("rule"))?;
    answer(&found(&api, &may, id).await?)
}

/// Remove a rule. What was told by it stays in the centre.
#[utoipa::path(delete, path = "/api/v1/notification-rules/{id}", operation_id = "notification_rules_delete",
    tag = "notifications", security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The rule")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.notification_rules.delete", skip_all, fields(rule.id = %id))]
pub async fn delete(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<RuleId>,
) -> Result<StatusCode, ApiError> {
    let was = found(&api, &may, id).await?;
    let before = serde_json::from_str(&was.form).ok();
    let note = api.note(&may.caller, "notification_rule.delete", format!("notification_rule:{id}"), before, None);
    may.found(api.notices.store.remove_rule(id, &note).await?.then_some(()), "rule")?;
    Ok(StatusCode::NO_CONTENT)
}
