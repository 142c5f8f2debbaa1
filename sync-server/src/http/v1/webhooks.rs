//! `/api/v1/webhooks`: other programs that are told.

pub mod create;
pub mod item;
pub mod list;
pub mod secret;
pub mod test;
mod view;

use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::WebhookId;
use crate::http::auth::May;
use crate::http::notices::is_within;
use crate::http::problem::ApiError;
use crate::ports::notify::Webhook;

/// A webhook whose place is within reach.
///
/// # Errors
/// [`ApiError::NotFound`].
pub async fn found(may: &May<NotificationsManage>, id: WebhookId) -> Result<Webhook, ApiError> {
    let webhook = may.found(may.notices().store.webhook(id).await?, "webhook")?;
    let within = is_within(may, webhook.place).await?;
    may.found(within.then_some(webhook), "webhook")
}
