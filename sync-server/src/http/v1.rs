//! `/api/v1`: a folder per thing, a file per verb.

pub mod audit;
pub mod auth;
pub mod device;
pub mod devices;
pub mod doors;
pub mod erasures;
pub mod events;
pub mod gallery;
pub mod groups;
pub mod persons;
pub mod public;
pub mod recognition;
pub mod settings;
pub mod sites;
pub mod templates;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::Api;
use super::problem::ApiError;
use crate::domain::name::Name;

/// Every route of `/api/v1`, and the two public files.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(public::jwks))
        .routes(routes!(public::ca))
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::me::me))
        .routes(routes!(sites::list::list, sites::create::create))
        .routes(routes!(doors::list::list, doors::create::create))
        .routes(routes!(doors::recognition::read, doors::recognition::set, doors::recognition::reset))
        .routes(routes!(doors::gallery_rule::read, doors::gallery_rule::set))
        .routes(routes!(groups::list::list, groups::create::create))
        .routes(routes!(groups::item::read, groups::item::set, groups::item::delete))
        .routes(routes!(groups::members::list, groups::members::change))
        .routes(routes!(settings::recognition::read, settings::recognition::set))
        .routes(routes!(recognition::preview::preview))
        .routes(routes!(devices::list::list, devices::create::create))
        .routes(routes!(devices::read::read))
        .routes(routes!(devices::claim_code::claim_code))
        .routes(routes!(devices::revoke::revoke))
        .routes(routes!(devices::replace::replace))
        .routes(routes!(devices::commands::command))
        .routes(routes!(devices::configure::configure))
        .routes(routes!(devices::door::set_door))
        .routes(routes!(devices::gallery::gallery))
        .routes(routes!(device::claim::claim))
        .routes(routes!(device::nonce::nonce))
        .routes(routes!(device::token::token))
        .routes(routes!(persons::list::list, persons::create::create))
        .routes(routes!(persons::read::read, persons::terms::set_terms, persons::delete::delete))
        .routes(routes!(persons::doors::doors))
        .routes(routes!(persons::templates::templates))
        .routes(routes!(persons::lookalikes::lookalikes))
        .merge(persons::photos::routes())
        .routes(routes!(persons::sync::sync))
        .routes(routes!(persons::expiry::read, persons::expiry::set))
        .routes(routes!(erasures::list::list))
        .routes(routes!(erasures::read::read))
        .routes(routes!(erasures::receipt::receipt))
        .routes(routes!(templates::delete::delete))
        .routes(routes!(gallery::read::read))
        .routes(routes!(events::list::list))
        .routes(routes!(events::live::live))
        .routes(routes!(events::read::read))
        .routes(routes!(events::crop::crop))
        .routes(routes!(audit::list::list))
        .routes(routes!(audit::export::export))
}

/// A name as sent, checked.
fn name(text: &str) -> Result<String, ApiError> {
    let invalid = |e: crate::domain::name::InvalidName| ApiError::Invalid { field: "name", detail: e.to_string() };
    Ok(Name::parse(text).map_err(invalid)?.into_string())
}
