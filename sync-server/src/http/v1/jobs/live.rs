//! How far a job is, told as it goes: server-sent events, which a browser's `EventSource` reads and which go on by
//! themselves after a cut, since each tells the whole.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::broadcast::Receiver;

use super::view::JobView;
use crate::domain::access::may::JobsRead;
use crate::domain::job::{Job, JobId};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::events::live::Seat;

/// No more often is told.
const AT_MOST_EVERY: Duration = Duration::from_millis(200);
/// So often it is looked whether another server did something.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a quiet connection is tried.
const PING_EVERY: Duration = Duration::from_secs(15);

/// How far a job is: server-sent events named `job`, each like the answer of `/api/v1/jobs/{id}`. The stream ends with
/// the job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/live", operation_id = "jobs_live", tag = "jobs", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "Server-sent events", body = String, content_type = "text/event-stream"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: too many are watching", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn live(State(api): State<Api>, may: May<JobsRead>, InPath(id): InPath<JobId>) -> Result<Response, ApiError> {
    let job = may.job(id).await?;
    let seat = Seat::take(&api)?;
    let watcher =
        Watcher { changes: api.jobs.feed.watch(), api, may, id, last: String::new(), next: Some(job), _seat: seat };
    let told = stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::new().interval(PING_EVERY)).into_response())
}

struct Watcher {
    api: Api,
    may: May<JobsRead>,
    id: JobId,
    changes: Receiver<JobId>,
    /// What was told last.
    last: String,
    /// What is to be told at once.
    next: Option<Job>,
    _seat: Seat,
}

impl Watcher {
    /// The next change; `None` if the job has ended, or is nothing of the watcher's any more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let job = match self.next.take() {
                Some(job) => job,
                None => self.look().await?,
            };
            let text = serde_json::to_string(&JobView::of(&job, self.api.now())).ok()?;
            if text != self.last {
                self.last.clone_from(&text);
                return Some(Event::default().event("job").data(text));
            }
        }
    }

    /// Waits for a change and reads the job anew; what the watcher may is asked anew as well.
    async fn look(&mut self) -> Option<Job> {
        if self.is_over() {
            return None;
        }
        let shutdown = self.api.shutdown.clone();
        shutdown.run_until_cancelled(tokio::time::sleep(AT_MOST_EVERY)).await?;
        shutdown.run_until_cancelled(tokio::time::timeout(LOOK_EVERY, told_of(&mut self.changes, self.id))).await?.ok();
        self.may.renew().await.ok()?;
        self.may.job(self.id).await.ok()
    }

    fn is_over(&self) -> bool {
        self.last.contains(r#""state":"done""#) || self.last.contains(r#""state":"cancelled""#)
    }
}

/// Ends when a job has changed, or may have.
async fn told_of(changes: &mut Receiver<JobId>, id: JobId) {
    loop {
        match changes.recv().await {
            Ok(changed) if changed != id => {}
            // Words that were missed may have been of this job; one that is closed tells nothing any more.
            _ => return,
        }
    }
}
