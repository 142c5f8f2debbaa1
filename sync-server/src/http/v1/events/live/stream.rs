//! The live feed as server-sent events, for programs that want no WebSocket.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use garde::Validate;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use utoipa::IntoParams;

use super::feed::Feed;
use super::{End, PING_EVERY, SEND_TIMEOUT, Seat};
use crate::domain::access::may::EventsRead;
use crate::http::access::Asks;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};

/// What a client that comes back sends by itself.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Events on their way to one client; with that many it is waited for.
const ON_THE_WAY: usize = 64;

/// From where on.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Beginning {
    /// Only events above this cursor, those already committed first. Without it, only new ones. `Last-Event-ID`, which
    /// clients send by themselves when they come back, goes before.
    #[garde(skip)]
    after: Option<i64>,
}

/// Where a client that comes back had come.
pub struct LastEventId(Option<i64>);

impl Asks for LastEventId {}

impl<S: Sync> axum::extract::FromRequestParts<S> for LastEventId {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(sent) = parts.headers.get(LAST_EVENT_ID) else { return Ok(Self(None)) };
        let cursor = sent.to_str().ok().and_then(|text| text.parse().ok());
        let wrong = || ApiError::BadRequest("`Last-Event-ID` must be the `id` of an event of this stream".into());
        cursor.map(|cursor| Self(Some(cursor))).ok_or_else(wrong)
    }
}

/// Events as they are committed, as server-sent events: `event: seen` with an item of `/api/v1/events` as `data` and its
/// cursor as `id`; `event: cursor` up to where the stream has come, first at once, and when events passed by that are not
/// for the caller; `event: end` with a reason before the server ends it. Clients go on after a cut by `Last-Event-ID`.
#[utoipa::path(get, path = "/api/v1/events/stream", operation_id = "events_stream", tag = "events", security(("bearer" = [])),
    params(Beginning, ("Last-Event-ID" = Option<i64>, Header, description = "The last `id` received")),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 503, description = "`unavailable`: too many are watching", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.events.stream", skip_all)]
pub async fn stream(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(beginning): ValidQuery<Beginning>,
    LastEventId(last): LastEventId,
) -> Result<Response, ApiError> {
    let seat = Seat::take(&api)?;
    let feed = Feed::open(api, may, last.or(beginning.after)).await?;
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    tokio::spawn(async move {
        tell(feed, &sender).await;
        drop(seat);
    });
    let answer = Sse::new(Sent(receiver)).keep_alive(KeepAlive::new().interval(PING_EVERY));
    // Proxies that gather answers before they pass them on (nginx) are told not to.
    Ok(([("x-accel-buffering", "no"), ("cache-control", "no-store")], answer).into_response())
}

/// What is on its way to a client.
struct Sent(mpsc::Receiver<Event>);

impl Stream for Sent {
    type Item = Result<Event, Infallible>;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// Tells a client until one of the two ends it.
async fn tell(mut feed: Feed, sender: &mpsc::Sender<Event>) {
    let End::Close(code, reason) = until_the_end(&mut feed, sender).await else { return };
    let end = Event::default().event("end").data(json!({ "code": code, "reason": reason }).to_string());
    let _ = sender.send_timeout(end, SEND_TIMEOUT).await;
}

async fn until_the_end(feed: &mut Feed, sender: &mpsc::Sender<Event>) -> End {
    let over = feed.over();
    tokio::pin!(over);
    let mut told = None;
    loop {
        if let Err(end) = catch_up(feed, sender, &mut told).await {
            return end;
        }
        tokio::select! {
            changed = feed.changed() => if let Err(end) = changed {
                return end;
            },
            () = sender.closed() => return End::Gone,
            // Looked at now and then even if nothing comes: the session may have ended elsewhere.
            () = tokio::time::sleep(PING_EVERY) => {}
            end = &mut over => return end,
        }
    }
}

async fn catch_up(feed: &mut Feed, sender: &mpsc::Sender<Event>, told: &mut Option<i64>) -> Result<(), End> {
    loop {
        for event in feed.next().await? {
            let sent = Event::default().event("seen").id(event.cursor.to_string()).data(&*event.text);
            send(sender, sent).await?;
            *told = Some(event.cursor);
        }
        if feed.is_up_to_date() {
            break;
        }
    }
    if *told != Some(feed.cursor) {
        let cursor = feed.cursor.to_string();
        send(sender, Event::default().event("cursor").id(&cursor).data(&cursor)).await?;
        *told = Some(feed.cursor);
    }
    Ok(())
}

/// A client that takes nothing for long is dropped.
async fn send(sender: &mpsc::Sender<Event>, event: Event) -> Result<(), End> {
    match sender.send_timeout(event, SEND_TIMEOUT).await {
        Ok(()) => Ok(()),
        Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(End::Gone),
        Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
            metrics::counter!("ostiary_server_live_dropped_total").increment(1);
            Err(End::TOO_SLOW)
        }
    }
}
