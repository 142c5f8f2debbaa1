//! Events as they are committed, over a WebSocket ([`socket`]) or as server-sent events ([`stream`]).
//!
//! Both follow one `feed`: the store read by cursor, first to catch up and then whenever there is more, so nothing is
//! lost between the two and nothing comes twice. What many watch at once is read once ([`recent`]). A client that does
//! not keep up only reads later from the store; one that does not read at all is dropped. Nobody who watches slows down
//! what is stored.

mod feed;
mod progress;
pub mod recent;
pub mod socket;
pub mod stream;
mod unread;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::api::Api;
use crate::http::problem::ApiError;

/// A client that takes nothing for so long is dropped.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a quiet connection is tried.
const PING_EVERY: Duration = Duration::from_secs(20);

/// From where on.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// Only events above this cursor, those already committed first. Without it, only new ones.
    #[garde(skip)]
    after: Option<i64>,
    /// Whether completed erasures are told as well, as `{"erasure": …}`; those before are at `/api/v1/erasures`. Needs
    /// `erasures.read` over everything.
    #[garde(skip)]
    #[serde(default)]
    erasures: bool,
    /// Whether enrollments at doors within reach are told as they go, as `{"enrollment": …}`. Needs `persons.manage`.
    #[garde(skip)]
    #[serde(default)]
    enrollments: bool,
    /// Whether jobs are told as they go, as `{"job": …}`, each time the whole of the job: those under way first. Needs
    /// `jobs.read`; without it over everything, only jobs the caller asked for are told.
    #[garde(skip)]
    #[serde(default)]
    jobs: bool,
    /// Whether it is told, as `{"cursor": …}`, up to where the feed has come: at once, and when events passed by that are
    /// not for the caller. Who comes back with that cursor misses nothing, even if no event came yet.
    #[garde(skip)]
    #[serde(default)]
    cursors: bool,
    /// Whether it is told, as `{"unread": …}`, how many of the caller's notifications are new: at once, and whenever it
    /// changes.
    #[garde(skip)]
    #[serde(default)]
    unread: bool,
}

/// One of the seats for watchers; free again when dropped.
pub(in crate::http::v1) struct Seat(Api);

impl Seat {
    /// Takes one, if one is left.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`].
    pub(in crate::http::v1) fn take(api: &Api) -> Result<Self, ApiError> {
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

/// Why a connection ends.
enum End {
    /// The client went, or is too slow to be told.
    Gone,
    /// With a code and words.
    Close(u16, &'static str),
}

impl End {
    /// Close code: the token ended, come back with a new one and the last cursor.
    const TOKEN_ENDED: Self = Self::Close(4401, "the token has ended");
    /// Close code: the account may not see events any more.
    const NOT_ALLOWED: Self = Self::Close(4403, "this account may not see events any more");
    const STOPPING: Self = Self::Close(axum::extract::ws::close_code::AWAY, "the server is stopping");
    const TOO_SLOW: Self =
        Self::Close(axum::extract::ws::close_code::POLICY, "too slow; come back with the last cursor");
    const FAILED: Self = Self::Close(axum::extract::ws::close_code::ERROR, "the server failed, try again");
}
