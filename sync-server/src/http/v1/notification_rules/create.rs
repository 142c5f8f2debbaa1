//! A new rule.

use axum::extract::State;
use axum::http::StatusCode;

use super::view::{RuleView, settable};
use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::RuleId;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::notify::form::RuleForm;
use crate::ports::notify::StoredRule;

/// The most rules there may be: each is asked about every event.
const MOST: usize = 500;

/// Add a rule.
#[utoipa::path(post, path = "/api/v1/notification-rules", operation_id = "notification_rules_create",
    tag = "notifications", security(("bearer" = [])), request_body = RuleForm,
    responses(
        (status = 201, description = "Added", body = RuleView),
        (status = 404, description = "No such site, door or webhook", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.notification_rules.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    Valid(form): Valid<RuleForm>,
) -> Result<(StatusCode, axum::Json<RuleView>), ApiError> {
    let (id, now) = (RuleId::generate(), api.now());
    let rule = settable(&may, &form, id).await?;
    if api.notices.store.rules().await?.len() >= MOST {
        let detail = format!("there are {MOST} rules, which is the most; remove one first");
        return Err(ApiError::Invalid { field: "name", detail });
    }
    let json = serde_json::to_value(RuleForm::from(&rule)).expect("a form has a JSON form");
    let stored =
        StoredRule { id, form: json.to_string(), place: rule.place, version: 1, created_at: now, changed_at: now };
    let target = format!("notification_rule:{id}");
    let note = api.note(&may.caller, "notification_rule.create", target, None, Some(json));
    api.notices.store.add_rule(&stored, &note).await?;
    Ok((StatusCode::CREATED, axum::Json(RuleView::try_from(&stored)?)))
}
