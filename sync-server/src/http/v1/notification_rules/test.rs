//! Trying a rule: whom it would tell, and a message of its kind to who asks.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::item::found;
use crate::domain::access::may::NotificationsManage;
use crate::domain::access::{Reach, Scope};
use crate::domain::notify::{Place, Rule, RuleId, Signal, WebhookId, What};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::notify::{herald, rulebook};
use crate::ports::notify::{Delivery, Reason, Recipient};

/// What stands in the message.
const WORDS: &str = "A test of a rule: nothing happened.";

/// Whom a rule would tell.
#[derive(Serialize, ToSchema)]
pub struct RuleTried {
    /// How many people would be told of something somewhere the rule holds: those it names who may know of it.
    people: usize,
    /// How many of them have an address for messages.
    with_email: usize,
    /// How many webhooks in use would be told; each is sent a test now.
    webhooks: usize,
}

/// Try a rule: who asks is told something of its kind, the rule's webhooks are sent a test, and nobody else hears of it. The
/// answer counts whom the rule would tell.
#[utoipa::path(post, path = "/api/v1/notification-rules/{id}/test", operation_id = "notification_rules_test",
    tag = "notifications", security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The rule")),
    responses(
        (status = 202, description = "Under way", body = RuleTried),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.notification_rules.test", skip_all, fields(rule.id = %id))]
pub async fn test(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<RuleId>,
) -> Result<(StatusCode, Json<RuleTried>), ApiError> {
    let rule = rulebook::read(&found(&api, &may, id).await?)?;
    api.limits.export(may.caller.account).await?;
    let places = places_of(&api, &rule).await?;
    let members = herald::members(&*api.notices.store).await?;
    let mut told = BTreeSet::new();
    for what in &rule.what {
        let named = places.iter().flat_map(|place| rule.whom.among(&members, *what, place));
        told.extend(named.map(|member| (member.account, member.has_email)));
    }
    let webhooks = in_use(&api, &rule).await?;
    for webhook in &webhooks {
        let test = Delivery::new(None, Recipient::Webhook(*webhook), Reason::Test, api.now());
        api.notices.store.add_delivery(&test).await?;
    }
    let what = rule.what.first().copied().unwrap_or(What::Server);
    let place = places.first().copied().unwrap_or_default();
    let signal = Signal { words: WORDS.into(), ..Signal::new(what, api.now(), place) };
    api.notices.direct.tell(may.caller.account, &signal, Reason::Test).await?;
    api.audit_done(&may.caller, "notification_rule.test", format!("notification_rule:{id}"), String::new()).await?;
    let with_email = told.iter().filter(|(_, has_email)| *has_email).count();
    Ok((StatusCode::ACCEPTED, Json(RuleTried { people: told.len(), with_email, webhooks: webhooks.len() })))
}

/// Everywhere something could happen that the rule is about: its own place first, then its doors.
async fn places_of(api: &Api, rule: &Rule) -> Result<Vec<Place>, ApiError> {
    let doors = api.within.doors_within(&Reach::Everything).await?;
    let whole = match rule.place {
        Scope::Everything => Some(Place::default()),
        Scope::Site(site) => Some(Place { site: Some(site), ..Place::default() }),
        Scope::Door(_) => None,
    };
    let at = doors.iter().map(|door| Place::at(door.site, door.id, None)).filter(|place| place.is_in(rule.place));
    Ok(whole.into_iter().chain(at).collect())
}

async fn in_use(api: &Api, rule: &Rule) -> Result<Vec<WebhookId>, ApiError> {
    let all = api.notices.store.webhooks().await?.into_iter();
    let named = all.filter(|webhook| webhook.enabled && rule.how.webhooks.contains(&webhook.id));
    Ok(named.map(|webhook| webhook.id).collect())
}
