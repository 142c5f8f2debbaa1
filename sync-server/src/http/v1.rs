//! `/api/v1`: a folder per thing, a file per verb.

pub mod accuracy;
pub mod analytics;
pub mod audit;
pub mod auth;
pub mod captures;
pub mod consents;
pub mod device;
pub mod devices;
pub mod doors;
pub mod enrollments;
pub mod erasures;
pub mod errors;
pub mod events;
pub mod exports;
pub mod gallery;
pub mod groups;
pub mod health;
pub mod imports;
pub mod invitations;
pub mod jobs;
pub mod live_tickets;
pub mod me;
pub mod model_packs;
pub mod notification_rules;
pub mod notifications;
pub mod person_changes;
pub mod persons;
pub mod public;
pub mod qr;
pub mod recognition;
pub mod recognize;
pub mod retention;
pub mod roles;
pub mod search;
pub mod service_accounts;
pub mod settings;
pub mod sites;
pub mod templates;
pub mod threads;
pub mod unknowns;
pub mod users;
pub mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use axum::http::StatusCode;

use super::access::{device, guarded, open};
use super::api::Api;
use super::problem::ApiError;
use crate::domain::name::Name;
use crate::domain::place::Removal;

/// Every route of `/api/v1`, and the two public files.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(open!(public::jwks))
        .routes(open!(public::ca))
        .routes(open!(auth::login::login))
        .routes(open!(auth::second_step::second_step))
        .routes(open!(auth::refresh::refresh))
        .routes(open!(auth::register::register))
        .routes(open!(auth::password_reset::ask))
        .routes(open!(auth::password_reset::complete))
        .routes(open!(invitations::accept::accept))
        .routes(guarded!(auth::log_out::log_out))
        .routes(guarded!(auth::log_out::log_out_everywhere))
        .routes(guarded!(me::read::read))
        .routes(guarded!(me::profile::set))
        .routes(guarded!(me::password::change))
        .routes(guarded!(me::sessions::list))
        .routes(guarded!(me::sessions::end))
        .routes(guarded!(me::push::list))
        .routes(guarded!(me::push::subscribe))
        .routes(guarded!(me::push::test))
        .routes(guarded!(me::push::unsubscribe))
        .routes(guarded!(me::searches::list))
        .routes(guarded!(me::searches::forget))
        .routes(guarded!(me::verdicts::list))
        .routes(guarded!(me::totp::begin))
        .routes(guarded!(me::totp::confirm_code))
        .routes(guarded!(me::totp::recovery_codes))
        .routes(guarded!(me::totp::remove))
        .routes(guarded!(users::list::list))
        .routes(guarded!(users::item::read))
        .routes(guarded!(users::item::delete))
        .routes(guarded!(users::grants::set))
        .routes(guarded!(users::state::approve))
        .routes(guarded!(users::state::shut_out))
        .routes(guarded!(users::state::let_in))
        .routes(guarded!(users::sessions::list))
        .routes(guarded!(users::sessions::end_all))
        .routes(guarded!(users::sessions::end))
        .routes(guarded!(users::recovery::password_reset))
        .routes(guarded!(users::recovery::remove_totp))
        .routes(guarded!(invitations::list::list))
        .routes(guarded!(invitations::create::create))
        .routes(guarded!(invitations::revoke::revoke))
        .routes(guarded!(roles::list))
        .routes(guarded!(service_accounts::list::list))
        .routes(guarded!(service_accounts::create::create))
        .routes(guarded!(service_accounts::item::read))
        .routes(guarded!(service_accounts::item::set_grants))
        .routes(guarded!(service_accounts::item::delete))
        .routes(guarded!(service_accounts::keys::list))
        .routes(guarded!(service_accounts::keys::create))
        .routes(guarded!(service_accounts::keys::revoke))
        .routes(guarded!(live_tickets::create))
        .routes(guarded!(qr::create))
        .routes(guarded!(sites::list::list))
        .routes(guarded!(sites::create::create))
        .routes(guarded!(sites::item::read))
        .routes(guarded!(sites::item::update))
        .routes(guarded!(sites::item::delete))
        .routes(guarded!(doors::list::list))
        .routes(guarded!(doors::create::create))
        .routes(guarded!(doors::item::read))
        .routes(guarded!(doors::item::update))
        .routes(guarded!(doors::item::delete))
        .routes(guarded!(doors::recognition::read))
        .routes(guarded!(doors::recognition::set))
        .routes(guarded!(doors::recognition::reset))
        .routes(guarded!(doors::gallery_rule::read))
        .routes(guarded!(doors::gallery_rule::set))
        .routes(guarded!(groups::list::list))
        .routes(guarded!(groups::create::create))
        .routes(guarded!(groups::item::read))
        .routes(guarded!(groups::item::set))
        .routes(guarded!(groups::item::delete))
        .routes(guarded!(groups::members::list))
        .routes(guarded!(groups::members::change))
        .routes(guarded!(settings::recognition::read))
        .routes(guarded!(settings::recognition::set))
        .routes(guarded!(settings::general::read))
        .routes(guarded!(settings::general::set))
        .routes(guarded!(settings::consent_text::read))
        .routes(guarded!(settings::consent_text::set))
        .routes(guarded!(settings::retention::read))
        .routes(guarded!(settings::retention::set))
        .routes(guarded!(retention::report))
        .routes(guarded!(retention::sweep))
        .routes(guarded!(settings::person_fields::read))
        .routes(guarded!(settings::person_fields::set))
        .routes(guarded!(settings::unknowns::read))
        .routes(guarded!(settings::unknowns::set))
        .routes(guarded!(settings::face_crops::read))
        .routes(guarded!(settings::face_crops::set))
        .routes(guarded!(model_packs::list::list))
        .merge(model_packs::install::routes())
        .routes(guarded!(model_packs::item::read))
        .routes(guarded!(model_packs::item::delete))
        .routes(guarded!(model_packs::shadow::begin))
        .routes(guarded!(model_packs::faces::refusals))
        .routes(guarded!(model_packs::faces::missing))
        .routes(guarded!(model_packs::rollout::read))
        .routes(guarded!(model_packs::rollout::set))
        .merge(recognize::routes())
        .merge(search::faces::routes())
        .routes(guarded!(recognition::preview::preview))
        .routes(guarded!(devices::list::list))
        .routes(guarded!(devices::create::create))
        .routes(guarded!(devices::read::read))
        .routes(guarded!(devices::rename::rename))
        .routes(guarded!(devices::claim_code::claim_code))
        .routes(guarded!(devices::revoke::revoke))
        .routes(guarded!(devices::replace::replace))
        .routes(guarded!(devices::commands::send::command))
        .routes(guarded!(devices::commands::list::list))
        .routes(guarded!(devices::commands::read::read))
        .routes(guarded!(devices::commands::attachment::link))
        .routes(open!(devices::commands::attachment::open))
        .routes(guarded!(devices::configure::configure))
        .routes(guarded!(devices::door::set_door))
        .routes(guarded!(enrollments::create::create))
        .routes(guarded!(enrollments::list::list))
        .routes(guarded!(enrollments::read::read))
        .routes(guarded!(enrollments::cancel::cancel))
        .routes(guarded!(devices::gallery::gallery))
        .routes(device!(device::claim::claim))
        .routes(device!(device::nonce::nonce))
        .routes(device!(device::token::token))
        .routes(device!(device::model_pack::download))
        .routes(guarded!(persons::list::list))
        .routes(guarded!(persons::create::create))
        .routes(guarded!(persons::read::read))
        .routes(guarded!(persons::update::update))
        .routes(guarded!(persons::delete::delete))
        .routes(guarded!(persons::doors::doors))
        .routes(guarded!(persons::templates::templates))
        .routes(guarded!(persons::lookalikes::lookalikes))
        .routes(guarded!(persons::history::history))
        .routes(guarded!(persons::merge::merge))
        .routes(guarded!(persons::merge::split))
        .routes(guarded!(person_changes::undo::undo))
        .merge(persons::photos::routes())
        .merge(persons::clips::routes())
        .routes(guarded!(captures::create::create))
        .routes(guarded!(captures::read::read))
        .merge(captures::frames::routes())
        .routes(guarded!(captures::picture::picture))
        .routes(guarded!(captures::finish::finish))
        .routes(guarded!(captures::cancel::cancel))
        .merge(persons::photo_batch::routes())
        .routes(guarded!(persons::sync::sync))
        .routes(guarded!(persons::expiry::read))
        .routes(guarded!(persons::expiry::set))
        .routes(guarded!(persons::export::export))
        .routes(guarded!(consents::list::list))
        .routes(guarded!(consents::record::record))
        .routes(guarded!(consents::withdraw::withdraw))
        .routes(guarded!(erasures::list::list))
        .routes(guarded!(erasures::read::read))
        .routes(guarded!(erasures::receipt::receipt))
        .routes(guarded!(templates::delete::delete))
        .routes(guarded!(gallery::read::read))
        .routes(guarded!(events::list::list))
        .routes(guarded!(events::counts::counts))
        .routes(guarded!(events::crop_link::link))
        .routes(open!(events::crop_link::open))
        .routes(guarded!(events::live::socket::live))
        .routes(guarded!(events::live::stream::stream))
        .routes(guarded!(events::read::read))
        .routes(guarded!(events::crop::crop))
        .routes(guarded!(notification_rules::list::list))
        .routes(guarded!(notification_rules::create::create))
        .routes(guarded!(notification_rules::item::read))
        .routes(guarded!(notification_rules::item::set))
        .routes(guarded!(notification_rules::item::delete))
        .routes(guarded!(notification_rules::test::test))
        .routes(guarded!(notifications::list::list))
        .routes(guarded!(notifications::list::item))
        .routes(guarded!(notifications::live::live))
        .routes(guarded!(notifications::read::one))
        .routes(guarded!(notifications::read::all))
        .routes(guarded!(notifications::events::list))
        .routes(guarded!(notifications::deliveries::list))
        .routes(guarded!(notifications::retry::retry))
        .routes(open!(notifications::unsubscribe::ask))
        .routes(open!(notifications::unsubscribe::end))
        .routes(guarded!(me::notification_preferences::read))
        .routes(guarded!(me::notification_preferences::set))
        .routes(guarded!(settings::notifications::read))
        .routes(guarded!(settings::notifications::set))
        .routes(guarded!(settings::conversations::read))
        .routes(guarded!(settings::conversations::set))
        .routes(guarded!(threads::list::list))
        .routes(guarded!(threads::create::open))
        .routes(guarded!(threads::search::search))
        .routes(guarded!(threads::item::read))
        .routes(guarded!(threads::item::update))
        .routes(guarded!(threads::messages::list))
        .routes(guarded!(threads::messages::say))
        .routes(guarded!(threads::messages::update))
        .routes(guarded!(threads::messages::delete))
        .routes(guarded!(threads::messages::history))
        .routes(guarded!(threads::people::list))
        .routes(guarded!(threads::read::mark))
        .routes(guarded!(analytics::visits::visits))
        .routes(guarded!(analytics::decisions::decisions))
        .routes(guarded!(analytics::usage::enrollment))
        .routes(guarded!(analytics::usage::api_use))
        .routes(guarded!(analytics::usage::storage))
        .routes(guarded!(analytics::presence::presence))
        .routes(guarded!(analytics::presence::settings))
        .routes(guarded!(analytics::presence::set))
        .routes(guarded!(webhooks::list::list))
        .routes(guarded!(webhooks::create::create))
        .routes(guarded!(webhooks::item::read))
        .routes(guarded!(webhooks::item::set))
        .routes(guarded!(webhooks::item::delete))
        .routes(guarded!(webhooks::secret::renew))
        .routes(guarded!(webhooks::test::test))
        .merge(imports::create::routes())
        .routes(guarded!(exports::persons::persons))
        .routes(guarded!(jobs::list::list))
        .routes(guarded!(jobs::read::read))
        .routes(guarded!(jobs::items::items))
        .routes(guarded!(jobs::live::live))
        .routes(guarded!(jobs::control::cancel))
        .routes(guarded!(jobs::control::pause))
        .routes(guarded!(jobs::control::resume))
        .routes(guarded!(jobs::control::retry))
        .routes(guarded!(events::verdict::judge))
        .routes(guarded!(events::verdict::read))
        .routes(guarded!(events::verdict::withdraw))
        .routes(guarded!(accuracy::read::read))
        .routes(guarded!(accuracy::curve::curve))
        .routes(guarded!(accuracy::to_judge::to_judge))
        .routes(guarded!(unknowns::list::list))
        .routes(guarded!(unknowns::read::read))
        .routes(guarded!(unknowns::by_hand::merge))
        .routes(guarded!(unknowns::by_hand::split))
        .routes(guarded!(unknowns::by_hand::dismiss))
        .routes(guarded!(unknowns::by_hand::reopen))
        .routes(guarded!(unknowns::promote::promote))
        .routes(guarded!(health::read::read))
        .routes(guarded!(errors::list::list))
        .routes(guarded!(errors::resolve::resolve))
        .routes(guarded!(audit::list::list))
        .routes(guarded!(audit::export::export))
}

/// What became of a removal, as an answer.
fn removed(what: &'static str, removal: Option<Removal>) -> Result<StatusCode, ApiError> {
    match removal.ok_or(ApiError::NotFound(what))? {
        Removal::Done => Ok(StatusCode::NO_CONTENT),
        Removal::InUse(counts) => {
            let words: Vec<String> = counts.iter().map(|(thing, count)| format!("{count} {thing}")).collect();
            let detail = format!("this {what} still has {}; remove or move them first", words.join(", "));
            let counts = counts.into_iter().map(|(thing, count)| (thing.to_owned(), count.into())).collect();
            Err(ApiError::InUse { detail, counts })
        }
    }
}

/// A name as sent, checked.
fn name(text: &str) -> Result<String, ApiError> {
    let invalid = |e: crate::domain::name::InvalidName| ApiError::Invalid { field: "name", detail: e.to_string() };
    Ok(Name::parse(text).map_err(invalid)?.into_string())
}
