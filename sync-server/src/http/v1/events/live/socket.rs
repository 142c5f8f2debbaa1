//! The live feed over a WebSocket.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::SinkExt;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::{Instant, MissedTickBehavior};

use super::feed::Feed;
use super::progress::Progress;
use super::recent::Told;
use super::unread::Unread;
use super::{End, From, PING_EVERY, SEND_TIMEOUT, Seat};
use crate::domain::access::Permission;
use crate::domain::access::may::EventsRead;
use crate::domain::erasure::Erasure;
use crate::enroll::door::DoorStanding;
use crate::http::api::Api;
use crate::http::auth::{LIVE_PROTOCOL, May};
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::enrollments::view::EnrollmentView;
use crate::http::v1::erasures::view::ErasureView;

/// A client that says nothing, not even a pong, for so long is gone.
const SILENT_AT_MOST: Duration = Duration::from_secs(60);
/// Clients have nothing to say here.
const MAX_INCOMING_BYTES: usize = 1024;
/// With that much on its way to a client, it is written though more is to be told.
const WRITTEN_AT_ONCE_BYTES: usize = 32 * 1024;

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
    ValidQuery(from): ValidQuery<From>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|e| ApiError::BadRequest(format!("this is a WebSocket: {}", e.body_text())))?;
    if from.erasures && !may.caller.access.reach(Permission::ErasuresRead).is_everything() {
        return Err(may.lacks(Permission::ErasuresRead));
    }
    if from.enrollments && may.caller.access.reach(Permission::PersonsManage).is_nothing() {
        return Err(may.lacks(Permission::PersonsManage));
    }
    if from.jobs && may.caller.access.reach(Permission::JobsRead).is_nothing() {
        return Err(may.lacks(Permission::JobsRead));
    }
    let seat = Seat::take(&api)?;
    let progress = from.jobs.then(|| Progress::watch(&api));
    let completed = from.erasures.then(|| api.erasures.watch());
    let enrollments = from.enrollments.then(|| api.doors.watch());
    let unread = from.unread.then(|| Unread::new(&api));
    let feed = Feed::open(api, may, from.after).await?;
    let watcher = Watcher { feed, completed, enrollments, unread, progress, tells_cursors: from.cursors };
    let upgrade = upgrade.protocols([LIVE_PROTOCOL]);
    let upgrade = upgrade.max_message_size(MAX_INCOMING_BYTES).max_frame_size(MAX_INCOMING_BYTES);
    let upgrade = upgrade.write_buffer_size(WRITTEN_AT_ONCE_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        watcher.run(socket).await;
        drop(seat);
    }))
}

struct Watcher {
    feed: Feed,
    completed: Option<broadcast::Receiver<Erasure>>,
    enrollments: Option<broadcast::Receiver<DoorStanding>>,
    unread: Option<Unread>,
    progress: Option<Progress>,
    tells_cursors: bool,
}

impl Watcher {
    async fn run(mut self, mut socket: WebSocket) {
        let End::Close(code, reason) = self.watch(&mut socket).await else { return };
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // An answer is not waited for: the client may be the reason for the end.
        let _ = tokio::time::timeout(SEND_TIMEOUT, socket.send(close)).await;
    }

    async fn watch(&mut self, socket: &mut WebSocket) -> End {
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let over = self.feed.over();
        tokio::pin!(over);
        let mut heard = Instant::now();
        let mut told = None;
        loop {
            if let Err(end) = self.catch_up(socket, &mut told).await {
                return end;
            }
            tokio::select! {
                changed = self.feed.changed() => if let Err(end) = changed {
                    return end;
                },
                erasure = next(&mut self.completed) => {
                    let told = json!({ "erasure": ErasureView::from(&erasure) }).to_string();
                    if let Err(end) = send(socket, Message::Text(told.into())).await {
                        return end;
                    }
                }
                standing = next(&mut self.enrollments) => {
                    if let Err(end) = self.tell_enrollment(socket, standing).await {
                        return end;
                    }
                }
                () = rung(&mut self.unread) => if let Err(end) = self.tell_unread(socket).await {
                    return end;
                },
                () = due(&mut self.progress) => if let Err(end) = self.tell_jobs(socket).await {
                    return end;
                },
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
                end = &mut over => return end,
            }
        }
    }

    /// An enrollment is told to who may manage persons at its door, by what they may now.
    async fn tell_enrollment(&self, socket: &mut WebSocket, standing: DoorStanding) -> Result<(), End> {
        let reach = self.feed.may.caller.access.reach(Permission::PersonsManage);
        let found = self.feed.api.within.device_within(&reach, standing.enrollment.device).await;
        let found = found.map_err(|error| {
            tracing::error!(%error, "the live feed cannot read devices: {error}");
            End::FAILED
        })?;
        if found.is_none() {
            return Ok(());
        }
        let told = json!({ "enrollment": EnrollmentView::from(standing) }).to_string();
        send(socket, Message::Text(told.into())).await
    }

    /// Tells how many notifications are new, if that changed.
    async fn tell_unread(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let Some(unread) = &mut self.unread else { return Ok(()) };
        let caller = &self.feed.may.caller;
        let news = unread.news(&self.feed.api, (caller.account, &caller.access)).await.map_err(|error| {
            tracing::error!(%error, "the live feed cannot count notifications: {error}");
            End::FAILED
        })?;
        match news {
            Some(count) => send(socket, Message::Text(json!({ "unread": count }).to_string().into())).await,
            None => Ok(()),
        }
    }

    async fn tell_jobs(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let Some(progress) = &mut self.progress else { return Ok(()) };
        let news = progress.news(&self.feed.api, &self.feed.may.caller).await.map_err(|error| {
            tracing::error!(%error, "the live feed cannot read jobs: {error}");
            End::FAILED
        })?;
        for job in news {
            send(socket, Message::Text(format!(r#"{{"job":{job}}}"#).into())).await?;
        }
        Ok(())
    }

    /// Sends everything committed above the cursor, and then up to where that is, if the client wants to know and does
    /// not by the last event. `told` is the cursor it knows.
    async fn catch_up(&mut self, socket: &mut WebSocket, told: &mut Option<i64>) -> Result<(), End> {
        loop {
            let events = self.feed.next().await?;
            if let Some(last) = events.last() {
                *told = Some(last.cursor);
                send_all(socket, events).await?;
            }
            if self.feed.is_up_to_date() {
                break;
            }
        }
        if self.tells_cursors && *told != Some(self.feed.cursor) {
            let text = json!({ "cursor": self.feed.cursor }).to_string();
            send(socket, Message::Text(text.into())).await?;
            *told = Some(self.feed.cursor);
        }
        Ok(())
    }
}

/// When the count of notifications may have changed, if it is watched.
async fn rung(unread: &mut Option<Unread>) {
    match unread {
        Some(unread) => unread.rung().await,
        None => std::future::pending().await,
    }
}

/// The next of what is watched, if it is. One that was missed is not made up for: lists have them all.
async fn next<T: Clone>(watched: &mut Option<broadcast::Receiver<T>>) -> T {
    let Some(watched) = watched else { return std::future::pending().await };
    loop {
        match watched.recv().await {
            Ok(told) => return told,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// Resolves when there may be something to tell of jobs, if they are watched.
async fn due(progress: &mut Option<Progress>) {
    match progress {
        Some(progress) => progress.due().await,
        None => std::future::pending().await,
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    taken(socket.send(message)).await
}

/// What is told together is written together: with many who watch, most of the cost is that of a write.
async fn send_all(socket: &mut WebSocket, events: Vec<Told>) -> Result<(), End> {
    for event in events {
        taken(socket.feed(Message::Text(event.text))).await?;
    }
    taken(socket.flush()).await
}

/// A client that does not take a message in time is told so, as far as it still listens, and dropped.
async fn taken(sending: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
    match tokio::time::timeout(SEND_TIMEOUT, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => {
            metrics::counter!("ostiary_server_live_dropped_total").increment(1);
            Err(End::TOO_SLOW)
        }
    }
}
