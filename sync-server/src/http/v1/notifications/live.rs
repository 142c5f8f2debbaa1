//! How many notifications are new, as it changes: server-sent events, which browsers and programs read alike.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde_json::json;
use tokio::sync::watch;

use crate::http::access::Asks;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::notices::sight;
use crate::http::problem::{ApiError, Problem};

/// How often it looks, whatever this process heard: another one may have told somebody something.
const EVERY: Duration = Duration::from_secs(10);

impl Asks for HeaderMap {}

/// One of the seats for those who watch; free again when dropped.
struct Seat(Api);

impl Seat {
    fn take(api: &Api) -> Result<Self, ApiError> {
        let count: &AtomicUsize = &api.live_connections;
        let taken = count.fetch_add(1, Ordering::Relaxed) + 1;
        let seat = Self(api.clone());
        if taken <= api.bounds.live_connections {
            return Ok(seat);
        }
        let detail = format!("{} live connections are open, which is the most allowed", taken - 1);
        Err(ApiError::Unavailable { detail, retry_after_s: 10 })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.live_connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who watches, and what was told last.
struct Watcher {
    seat: Seat,
    caller: Caller,
    bell: watch::Receiver<u64>,
    told: Option<u64>,
}

/// How many of your notifications are new: once at the beginning, and whenever it changes, as `{"unread": n}` (server-sent
/// events). It ends with your session; browsers come back by themselves.
#[utoipa::path(get, path = "/api/v1/notifications/live", operation_id = "notifications_live", tag = "notifications",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
        (status = 400, description = "`bad-request`: no `Accept: text/event-stream`", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: too many are watching", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn live(State(api): State<Api>, caller: Caller, headers: HeaderMap) -> Result<Response, ApiError> {
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accepts.contains("text/event-stream") {
        return Err(ApiError::BadRequest("this is a stream: send `Accept: text/event-stream`".into()));
    }
    let bell = api.notices.bells.centre.subscribe();
    let watcher = Watcher { seat: Seat::take(&api)?, caller, bell, told: None };
    Ok(Sse::new(counts(watcher)).keep_alive(KeepAlive::default()).into_response())
}

fn counts(watcher: Watcher) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(watcher, |mut watcher| async move {
        let unread = watcher.next().await?;
        Some((Ok(Event::default().data(json!({ "unread": unread }).to_string())), watcher))
    })
}

impl Watcher {
    /// The next count that differs from the one told last; `None` once it is over.
    async fn next(&mut self) -> Option<u64> {
        let api = self.seat.0.clone();
        loop {
            let standing = api.accounts.still_stands(&self.caller.via).await.ok()??;
            let sight = sight(&standing.access);
            let unread = api.notices.store.count_unread(self.caller.account, &sight).await.ok()?;
            if self.told != Some(unread) {
                self.told = Some(unread);
                return Some(unread);
            }
            let waited = tokio::time::timeout(EVERY, self.bell.changed());
            match api.shutdown.run_until_cancelled(waited).await {
                None | Some(Ok(Err(_))) => return None,
                Some(_) if api.now() >= self.caller.until => return None,
                Some(_) => {}
            }
        }
    }
}
