//! `/api/v1/notifications`: what the caller was told of; `/api/v1/deliveries`: what was sent of it, and what became of it.

pub mod deliveries;
pub mod events;
pub mod list;
pub mod live;
pub mod read;
pub mod retry;
pub mod unsubscribe;
mod view;

use ostiary_common::ids::UserId;

use crate::domain::notify::NoticeId;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::notices::sight;
use crate::http::problem::ApiError;
use crate::ports::notify::Told;

/// Something the caller was told of and may still know of.
async fn found(api: &Api, caller: &Caller, id: NoticeId) -> Result<Told, ApiError> {
    let account: UserId = caller.account;
    let told = api.notices.store.told_one(account, &sight(&caller.access), id).await?;
    told.ok_or(ApiError::NotFound("notification"))
}
