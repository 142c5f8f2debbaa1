//! What was sent, and what became of it.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::{DeliveryId, NoticeId, WebhookId};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::ApiError;
use crate::http::rules;
use crate::ports::notify::{Delivery, DeliveryFilter, DeliveryState, Recipient};

/// Which messages, and which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Messages of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
    /// Of this notification.
    #[garde(skip)]
    notification: Option<Uuid>,
    /// To this webhook.
    #[garde(skip)]
    webhook: Option<Uuid>,
    /// In this state: `waiting`, `sent`, `failed`, `held`.
    #[garde(custom(rules::one_of(&["waiting", "sent", "failed", "held"])))]
    state: Option<String>,
}

/// A message to one place.
#[derive(Serialize, ToSchema)]
pub struct DeliveryView {
    /// Id; its receiver is told it (`webhook-id`, `Message-ID`), to know it again.
    id: Uuid,
    /// What it tells of; absent of a test.
    notification: Option<Uuid>,
    /// `email`, `push` (to browsers) or `webhook`.
    #[schema(value_type = String)]
    channel: &'static str,
    /// To whom, of a message to a person.
    account: Option<Uuid>,
    /// To which webhook.
    webhook: Option<Uuid>,
    /// `first`, `more` (it happened more often), `escalation` (nobody read it), `test`.
    #[schema(value_type = String)]
    reason: &'static str,
    /// `waiting`, `sent`, `failed` (given up), `held` (not wanted, or too many within an hour).
    #[schema(value_type = String)]
    state: &'static str,
    /// How often it was tried.
    attempts: u64,
    /// Since when it is under way.
    created_at: String,
    /// When it is tried next, of one that waits.
    next_at: Option<String>,
    /// When it was sent, given up or held.
    done_at: Option<String>,
    /// Why it waits, failed or was held.
    error: Option<String>,
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        let (channel, account, webhook) = match delivery.to {
            Recipient::Account(account) => ("email", Some(account.0), None),
            Recipient::Push(account) => ("push", Some(account.0), None),
            Recipient::Webhook(webhook) => ("webhook", None, Some(webhook.0)),
        };
        let waits = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.id.0,
            notification: delivery.notice.map(|notice| notice.0),
            channel,
            account,
            webhook,
            reason: delivery.reason.as_str(),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            created_at: delivery.created_at.to_rfc3339(),
            next_at: waits.then(|| delivery.next_at.to_rfc3339()),
            done_at: delivery.done_at.map(|at| at.to_rfc3339()),
            error: delivery.error.clone(),
        }
    }
}

/// A page of messages, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Deliveries {
    /// The messages.
    items: Vec<DeliveryView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// What was sent of notifications at places within reach, and what became of it, the newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", operation_id = "deliveries_list", tag = "notifications",
    security(("bearer" = [])), params(Asked),
    responses((status = 200, description = "The messages", body = Deliveries)))]
pub async fn list(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Json<Deliveries>, ApiError> {
    let limit = paging::limit(asked.limit)?;
    let unknown = |text: &str| {
        let detail = format!("must be waiting, sent, failed or held, not {text:?}");
        ApiError::InvalidQuery { name: "state", detail }
    };
    let state = asked.state.as_deref().map(|text| DeliveryState::parse(text).ok_or_else(|| unknown(text)));
    let filter = DeliveryFilter {
        id: None,
        notice: asked.notification.map(NoticeId),
        webhook: asked.webhook.map(WebhookId),
        state: state.transpose()?,
    };
    let found = api.notices.store.deliveries(&may.reach, filter, asked.before.map(DeliveryId), limit).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|last| last.id.0);
    Ok(Json(Deliveries { items: found.iter().map(DeliveryView::from).collect(), next }))
}
