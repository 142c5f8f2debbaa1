//! What is asked to know how the server is.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use rustix::fs::statvfs;
use tokio::sync::watch;

use super::broker::Embedded;
use crate::accounts::mail::Post;
use crate::domain::health::{Finding, Jump, clock, disk, faults, fleet, jump, refusals};
use crate::enroll::desk::Desk;
use crate::health::jobs::Jobs;
use crate::health::{Check, Monitor, Weight, at_once, blocking, waiting};
use crate::hub::Hub;
use crate::identity::shown_cert::ShownCertificates;
use crate::ports::Clock;
use crate::ports::health::HealthStore;
use crate::recognition::Recognition;
use crate::refusals::RefusalLog;
use crate::replicas::Keeper;
use crate::store::sql::SqlStore;

/// How long a jump of the clock is told of, and an error that occurred.
const LATELY: Duration = Duration::from_secs(3_600);
/// A store that takes longer for one row is about to be a problem.
const SLOW_STORE: Duration = Duration::from_millis(500);

/// Who is asked.
pub struct Asked<'a> {
    pub clock: Arc<dyn Clock>,
    pub store: Arc<SqlStore>,
    pub embedded: Option<&'a Embedded>,
    pub linked: watch::Receiver<bool>,
    pub desk: Arc<Desk>,
    pub recognition: Arc<Recognition>,
    pub certificates: Arc<ShownCertificates>,
    pub refusals: Arc<RefusalLog>,
    pub jobs: Arc<Jobs>,
    pub keeper: Option<Arc<Keeper>>,
    pub hub: Option<Arc<Hub>>,
    pub post: Post,
    pub data_dir: PathBuf,
}

/// Everything that is asked; first that without which the server is of no use.
pub fn of(asked: Asked<'_>) -> Monitor {
    let Asked { clock, store, embedded, linked, desk, recognition, certificates, refusals: refused, jobs, .. } = asked;
    let (keeper, hub, post, data_dir) = (asked.keeper, asked.hub, asked.post, asked.data_dir);
    let certificates_clock = clock.clone();
    let mut monitor = Monitor::new(clock.clone())
        .part("store", Weight::Essential, store_check(store.clone(), clock.clone()))
        .part("link", Weight::Essential, link_check(linked))
        .part("model", Weight::Essential, model_check(desk));
    if let Some(broker) = embedded.map(|embedded| embedded.broker.clone()) {
        let listening = move || {
            let advice = "restart the server, and see what else takes broker.listen";
            if broker.is_listening() { Finding::ok() } else { Finding::failed("it does not listen", advice) }
        };
        monitor = monitor.part("broker", Weight::Essential, at_once(listening));
    }
    if let Some(keeper) = keeper {
        monitor = monitor.part("replicas", Weight::Inner, at_once(move || keeper.finding()));
    }
    if let Some(hub) = hub {
        let ask = move || {
            let hub = Arc::clone(&hub);
            async move { hub.finding().await }
        };
        monitor = monitor.part("redis", Weight::Inner, waiting(ask));
    }
    if post.is_there() {
        monitor = monitor.part("mail", Weight::Inner, at_once(move || post.finding()));
    }
    monitor
        .part("disk", Weight::Inner, blocking(move || room(&data_dir)))
        .part("clock", Weight::Inner, clock_check(clock.clone()))
        .part("certificates", Weight::Inner, at_once(move || certificates.health(certificates_clock.now())))
        .part("jobs", Weight::Inner, at_once(move || jobs.finding()))
        .part("fleet", Weight::Inner, fleet_check(store.clone()))
        .part("refusals", Weight::Inner, at_once(move || refusals(refused.within_a_minute())))
        .part("errors", Weight::Inner, errors_check(store, clock))
        .part("gallery", Weight::Told, at_once(move || gallery(recognition.warning())))
}

fn store_check(store: Arc<SqlStore>, clock: Arc<dyn Clock>) -> Check {
    waiting(move || {
        let (store, clock) = (Arc::clone(&store), Arc::clone(&clock));
        async move {
            let before = clock.elapsed();
            if let Err(error) = store.check().await {
                return Finding::failed(error.to_string(), "see that the database is there and has room; see the log");
            }
            let took = clock.elapsed().saturating_sub(before);
            if took < SLOW_STORE {
                return Finding::ok();
            }
            let cause = format!("reading one row took {} ms", took.as_millis());
            Finding::degraded(cause, "see what else uses its disk and processor, or move to PostgreSQL")
        }
    })
}

fn link_check(linked: watch::Receiver<bool>) -> Check {
    at_once(move || {
        if *linked.borrow() {
            return Finding::ok();
        }
        Finding::failed("not connected to the MQTT broker", "see that the broker runs and lets this server in")
    })
}

fn model_check(desk: Arc<Desk>) -> Check {
    let advice = "see models.pack_dir and `ostiary-server doctor`";
    at_once(move || desk.check().map_or_else(|why| Finding::failed(why, advice), |()| Finding::ok()))
}

fn room(data_dir: &PathBuf) -> Finding {
    match statvfs(data_dir) {
        Ok(system) => {
            disk(system.f_bavail.saturating_mul(system.f_frsize), system.f_blocks.saturating_mul(system.f_frsize))
        }
        Err(error) => Finding::failed(format!("{}: {error}", data_dir.display()), "see that server.data_dir is there"),
    }
}

/// Compares the wall clock with time that passed, from one look to the next.
fn clock_check(time: Arc<dyn Clock>) -> Check {
    let last: Mutex<((UnixMillis, Duration), Option<Jump>)> = Mutex::new(((time.now(), time.elapsed()), None));
    at_once(move || {
        let now = (time.now(), time.elapsed());
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let jumped = jump(last.0, now).or(last.1);
        *last = (now, jumped.filter(|jump| now.0 < jump.at.plus(LATELY)));
        clock(now.0, last.1)
    })
}

fn fleet_check(store: Arc<dyn HealthStore>) -> Check {
    waiting(move || {
        let store = Arc::clone(&store);
        async move { store.fleet().await.map_or_else(unknown, |count| fleet(count.active, count.online, count.lost)) }
    })
}

fn errors_check(store: Arc<dyn HealthStore>, clock: Arc<dyn Clock>) -> Check {
    waiting(move || {
        let (store, since) = (Arc::clone(&store), UnixMillis(clock.now().0 - LATELY.as_millis() as i64));
        async move { store.count_open_faults(since).await.map_or_else(unknown, faults) }
    })
}

fn unknown(error: crate::ports::StoreError) -> Finding {
    Finding::degraded(format!("unknown: {error}"), "see the part `store`")
}

fn gallery(warning: Option<String>) -> Finding {
    warning.map_or_else(Finding::ok, |warning| Finding::degraded(warning, "see /api/v1/gallery and docs/thresholds.md"))
}
