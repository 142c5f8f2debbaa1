//! Events as they are committed, over a WebSocket.
//!
//! The store is read by cursor, first to catch up and then whenever there is more, so nothing is lost between
//! the two and nothing comes twice. A client that does not keep up only reads later from the store; one that
//! does not read at all is dropped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior};
use utoipa::IntoParams;

use super::item::EventItem;
use crate::domain::access::Permission;
use crate::domain::access::may::EventsRead;
use crate::domain::erasure::Erasure;
use crate::domain::event::{EventFilter, Page};
use crate::http::api::Api;
use crate::http::auth::{LIVE_PROTOCOL, May};
use crate::http::extract::Queried;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::erasures::view::ErasureView;

/// Events read from the store at once.
const PAGE: u32 = 100;
/// A client that takes no message for so long is dropped.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a quiet connection is tried.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A client that says nothing, not even a pong, for so long is gone.
const SILENT_AT_MOST: Duration = Duration::from_secs(60);
/// Close code: the account may not see events any more.
const CLOSE_NOT_ALLOWED: u16 = 4403;
/// Clients have nothing to say here.
const MAX_INCOMING_BYTES: usize = 1024;
/// Close code: the token ended, come back with a new one and the last cursor.
const CLOSE_TOKEN_ENDED: u16 = 4401;

/// From where on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// Only events above this cursor, those already committed first. Without it, only new ones.
    after: Option<i64>,
    /// Whether completed erasures are told as well, as `{"erasure": …}`; those before are at `/api/v1/erasures`. Needs
    /// `erasures.read` over everything.
    #[serde(default)]
    erasures: bool,
}

/// Events as they are committed: a WebSocket of JSON texts, each like an item of `/api/v1/events`. To go on after
/// a cut, pass the last cursor received as `after`.
#[utoipa::path(get, path = "/api/v1/events/live", operation_id = "events_live", tag = "events", security(("bearer" = [])), params(From),
    responses(
        (status = 101, description = "A WebSocket of events"),
        (status = 503, description = "`unavailable`: too many are watching", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn live(
    State(api): State<Api>,
    may: May<EventsRead>,
    Queried(from): Queried<From>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|e| ApiError::BadRequest(format!("this is a WebSocket: {}", e.body_text())))?;
    if from.erasures && !may.caller.access.reach(Permission::ErasuresRead).is_everything() {
        return Err(may.lacks(Permission::ErasuresRead));
    }
    let seat = Seat::take(&api)?;
    // Subscribed before the cursor is read, so that a commit between the two is seen.
    let newest = api.live.watch();
    let cursor = match from.after {
        Some(after) => after,
        None => api.store.newest_cursor().await?,
    };
    let completed = from.erasures.then(|| api.erasures.watch());
    let accounts = api.accounts.changes.subscribe();
    let watcher = Watcher { api, may, cursor, newest, completed, accounts };
    let upgrade = upgrade.protocols([LIVE_PROTOCOL]);
    let upgrade = upgrade.max_message_size(MAX_INCOMING_BYTES).max_frame_size(MAX_INCOMING_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        watcher.run(socket).await;
        drop(seat);
    }))
}

/// One of the seats for watchers; free again when dropped.
struct Seat(Api);

impl Seat {
    fn take(api: &Api) -> Result<Self, ApiError> {
        let taken = |count: &AtomicUsize| count.fetch_add(1, Ordering::Relaxed) + 1;
        let count = taken(&api.live_connections);
        let seat = Self(api.clone());
        metrics::gauge!("ostiary_server_live_connections").set(count as f64);
        if count <= api.bounds.live_connections {
            return Ok(seat);
        }
        let detail = format!("{} live connections are open, which is the most allowed", count - 1);
        Err(ApiError::Unavailable { detail, retry_after_s: 10 })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let before = self.0.live_connections.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("ostiary_server_live_connections").set(before.saturating_sub(1) as f64);
    }
}

struct Watcher {
    api: Api,
    may: May<EventsRead>,
    cursor: i64,
    newest: watch::Receiver<i64>,
    completed: Option<broadcast::Receiver<Erasure>>,
    /// Rises when somebody's standing may have ended.
    accounts: watch::Receiver<u64>,
}

/// Why a connection ends.
enum End {
    /// The client went, or is too slow to be told.
    Gone,
    /// With a code and words.
    Close(u16, &'static str),
}

impl Watcher {
    async fn run(mut self, mut socket: WebSocket) {
        let End::Close(code, reason) = self.watch(&mut socket).await else { return };
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // An answer is not waited for: the client may be the reason for the end.
        let _ = tokio::time::timeout(SEND_TIMEOUT, socket.send(close)).await;
    }

    async fn watch(&mut self, socket: &mut WebSocket) -> End {
        let shutdown = self.api.shutdown.clone();
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let left_ms = u64::try_from(self.may.caller.until.since_ms(self.api.now())).unwrap_or(0);
        let token_ends = tokio::time::sleep(Duration::from_millis(left_ms));
        tokio::pin!(token_ends);
        let mut heard = Instant::now();
        loop {
            if let Err(end) = self.catch_up(socket).await {
                return end;
            }
            tokio::select! {
                changed = self.newest.changed() => if changed.is_err() {
                    return End::Close(close_code::AWAY, "the server is stopping");
                },
                // Looked at anew by catching up.
                changed = self.accounts.changed() => if changed.is_err() {
                    return End::Close(close_code::AWAY, "the server is stopping");
                },
                erasure = next(&mut self.completed) => {
                    let told = json!({ "erasure": ErasureView::from(&erasure) }).to_string();
                    if let Err(end) = send(socket, Message::Text(told.into())).await {
                        return end;
                    }
                }
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                    Some(Ok(_)) => heard = Instant::now(),
                },
                _ = ping.tick() => {
                    if heard.elapsed() > SILENT_AT_MOST {
                        return End::Gone;
                    }
                    if let Err(end) = send(socket, Message::Ping(Vec::new().into())).await {
                        return end;
                    }
                }
                () = &mut token_ends => return End::Close(CLOSE_TOKEN_ENDED, "the token has ended"),
                () = shutdown.cancelled() => return End::Close(close_code::AWAY, "the server is stopping"),
            }
        }
    }

    /// Sends everything committed above the cursor that is within reach by now: grants may have changed meanwhile.
    async fn catch_up(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        self.may.renew().await.map_err(|error| match error {
            ApiError::Internal(error) => failed(&error),
            _ => End::Close(CLOSE_NOT_ALLOWED, "this account may not see events any more"),
        })?;
        loop {
            let looked_up_to = *self.newest.borrow_and_update();
            let page = Page::After(self.cursor);
            let page = self.api.within.events_within(&self.may.reach, &EventFilter::default(), page, PAGE).await;
            let events = page.map_err(|error| failed(&error))?;
            let last = events.len() < PAGE as usize;
            for event in events {
                let item = EventItem::from(event);
                let text = serde_json::to_string(&item).expect("an event has a JSON form");
                send(socket, Message::Text(text.into())).await?;
                self.cursor = item.cursor;
            }
            if last {
                // What lies between is not within reach, and need not be looked through again.
                self.cursor = self.cursor.max(looked_up_to);
                return Ok(());
            }
        }
    }
}

fn failed(error: &impl std::fmt::Display) -> End {
    tracing::error!(%error, "the live feed cannot read events: {error}");
    End::Close(close_code::ERROR, "the server failed, try again")
}

/// The next completed erasure, if they are watched. One that was missed is not made up for: lists have them all.
async fn next(completed: &mut Option<broadcast::Receiver<Erasure>>) -> Erasure {
    let Some(completed) = completed else { return std::future::pending().await };
    loop {
        match completed.recv().await {
            Ok(erasure) => return erasure,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// A client that does not take a message in time is told so, as far as it still listens, and dropped.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match tokio::time::timeout(SEND_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => {
            metrics::counter!("ostiary_server_live_dropped_total").increment(1);
            Err(End::Close(close_code::POLICY, "too slow; come back with the last cursor"))
        }
    }
}
