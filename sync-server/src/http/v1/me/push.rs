//! My browsers that take messages.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::notify::PushId;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::notify::push::{InvalidKeys, PushKey, keys};
use crate::ports::notify::{Delivery, Reason, Recipient};
use crate::ports::push::PushSubscription;

/// Browsers of an account at most; of more, those least lately used go.
const MOST: u32 = 20;

/// A browser that takes messages.
#[derive(Serialize, ToSchema)]
pub struct PushView {
    /// Id.
    id: Uuid,
    /// The beginning of its address, up to the host: whoever has all of it may send to it.
    origin: String,
    /// What it called itself.
    user_agent: String,
    /// Since when.
    created_at: String,
    /// When a message last went there.
    used_at: Option<String>,
}

impl From<&PushSubscription> for PushView {
    fn from(subscription: &PushSubscription) -> Self {
        let origin = reqwest::Url::parse(&subscription.endpoint).map(|url| url.origin().ascii_serialization());
        Self {
            id: subscription.id.0,
            origin: origin.unwrap_or_default(),
            user_agent: subscription.user_agent.clone(),
            created_at: subscription.created_at.to_rfc3339(),
            used_at: subscription.used_at.map(|at| at.to_rfc3339()),
        }
    }
}

/// My browsers, and what one needs to become one of them.
#[derive(Serialize, ToSchema)]
pub struct Pushes {
    /// The browsers, the oldest first.
    items: Vec<PushView>,
    /// The server's public key, for `PushManager.subscribe`; absent where no key is set, and nobody is pushed to.
    public_key: Option<String>,
}

/// What `PushSubscription.toJSON()` gives; its `expirationTime` may stay.
#[derive(Deserialize, ToSchema, Validate)]
pub struct NewPush {
    /// Where messages go, `https://…`.
    #[garde(length(max = 1000))]
    #[schema(max_length = 1000)]
    endpoint: String,
    /// The browser's keys.
    #[garde(dive)]
    keys: PushKeys,
    /// What the browser is called on the list.
    #[garde(inner(length(chars, max = 200)))]
    #[schema(max_length = 200)]
    user_agent: Option<String>,
}

/// A browser's keys, base64url.
#[derive(Deserialize, ToSchema, Validate)]
pub struct PushKeys {
    /// Its public key.
    #[garde(length(max = 200))]
    p256dh: String,
    /// Its secret.
    #[garde(length(max = 100))]
    auth: String,
}

fn key(api: &Api) -> Result<&PushKey, ApiError> {
    let missing =
        || ApiError::WrongState("no key for messages to browsers is set (`ostiary-server notify push-keys`)".into());
    api.notices.push.as_deref().ok_or_else(missing)
}

/// My browsers that take messages, and the key one subscribes with.
#[utoipa::path(get, path = "/api/v1/me/push", operation_id = "me_push", tag = "me", security(("bearer" = [])),
    responses((status = 200, description = "The browsers", body = Pushes)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Pushes>, ApiError> {
    let found = api.notices.store.pushes_of(caller.account).await?;
    let public_key = api.notices.push.as_ref().map(|key| key.public().to_owned());
    Ok(Json(Pushes { items: found.iter().map(PushView::from).collect(), public_key }))
}

/// Have a browser of mine take messages: what `PushManager.subscribe` gave it. One that is known takes the new keys.
#[utoipa::path(post, path = "/api/v1/me/push", operation_id = "me_push_subscribe", tag = "me",
    security(("bearer" = [])), request_body = NewPush,
    responses(
        (status = 201, description = "It takes messages", body = PushView),
        (status = 409, description = "`wrong-state`: no key is set", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: among others, an address that messages may not go to",
            body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.push.subscribe", skip_all)]
pub async fn subscribe(
    State(api): State<Api>,
    caller: Caller,
    Valid(body): Valid<NewPush>,
) -> Result<(StatusCode, Json<PushView>), ApiError> {
    key(&api)?;
    let refused =
        |error: crate::ports::poster::PostError| ApiError::Invalid { field: "endpoint", detail: error.to_string() };
    api.notices.poster.check(&body.endpoint).map_err(refused)?;
    let invalid = |error: InvalidKeys| ApiError::Invalid { field: "keys", detail: error.to_string() };
    let (key, auth) = keys(&body.keys.p256dh, &body.keys.auth).map_err(invalid)?;
    let subscription = PushSubscription {
        id: PushId::generate(),
        account: caller.account,
        endpoint: body.endpoint,
        key,
        auth,
        user_agent: body.user_agent.unwrap_or_default(),
        created_at: api.now(),
        used_at: None,
    };
    api.notices.store.add_push(&subscription, MOST).await?;
    api.audit_done(&caller, "me.push.subscribe", caller.actor(), String::new()).await?;
    let found = api.notices.store.pushes_of(caller.account).await?;
    let kept = found.iter().find(|one| one.endpoint == subscription.endpoint).unwrap_or(&subscription);
    Ok((StatusCode::CREATED, Json(PushView::from(kept))))
}

/// Have a browser of mine take no more messages.
#[utoipa::path(delete, path = "/api/v1/me/push/{id}", operation_id = "me_push_unsubscribe", tag = "me",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The browser")),
    responses(
        (status = 204, description = "It takes none"),
        (status = 404, description = "`not-found`: none of mine", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.push.unsubscribe", skip_all)]
pub async fn unsubscribe(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<PushId>,
) -> Result<StatusCode, ApiError> {
    if !api.notices.store.remove_push(caller.account, id).await? {
        return Err(ApiError::NotFound("browser"));
    }
    api.audit_done(&caller, "me.push.unsubscribe", caller.actor(), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send my browsers a test.
#[utoipa::path(post, path = "/api/v1/me/push/test", operation_id = "me_push_test", tag = "me",
    security(("bearer" = [])),
    responses(
        (status = 202, description = "Under way"),
        (status = 409, description = "`wrong-state`: no key is set, or there is no browser", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.me.push.test", skip_all)]
pub async fn test(State(api): State<Api>, caller: Caller) -> Result<StatusCode, ApiError> {
    key(&api)?;
    if api.notices.store.pushes_of(caller.account).await?.is_empty() {
        return Err(ApiError::WrongState("none of your browsers takes messages yet".into()));
    }
    api.limits.export(caller.account).await?;
    let delivery = Delivery::new(None, Recipient::Push(caller.account), Reason::Test, api.now());
    api.notices.store.add_delivery(&delivery).await?;
    api.notices.bells.ring();
    Ok(StatusCode::ACCEPTED)
}
