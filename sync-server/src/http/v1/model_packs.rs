//! `/api/v1/model-packs`: packs, from the archive to the doors.

pub mod faces;
pub mod install;
pub mod item;
pub mod list;
pub mod rollout;
pub mod shadow;
pub mod view;

use ostiary_common::ids::PackId;

use crate::domain::model_pack::{ModelPack, PackDeed, PackState};
use crate::http::api::Api;
use crate::http::problem::ApiError;

/// A pack by the id in a path.
///
/// # Errors
/// [`ApiError::NotFound`].
pub async fn found(api: &Api, id: &str) -> Result<ModelPack, ApiError> {
    let Ok(id) = PackId::parse(id) else { return Err(ApiError::NotFound("model pack")) };
    api.packs.store.model_pack(&id).await?.ok_or(ApiError::NotFound("model pack"))
}

/// The state after a deed.
///
/// # Errors
/// [`ApiError::WrongState`] says what is to be done first.
pub fn after(pack: &ModelPack, deed: PackDeed) -> Result<PackState, ApiError> {
    pack.state.after(deed).map_err(|refused| ApiError::WrongState(refused.to_string()))
}

/// Somebody was quicker.
pub fn changed_meanwhile() -> ApiError {
    ApiError::WrongState("the pack was changed meanwhile; look at it and try again".to_owned())
}
