//! What is done every night is queued once, whoever leads, and by the next one when the leader is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use ostiary_server::domain::job::{JobKind, JobState};
use ostiary_server::domain::replica::{ReplicaCard, ReplicaId};
use ostiary_server::jobs::Jobs;
use ostiary_server::jobs::feed::Feed;
use ostiary_server::jobs::nightly::Nightly;
use ostiary_server::jobs::spool::Spool;
use ostiary_server::jobs::under_way::UnderWay;
use ostiary_server::ports::Clock;
use ostiary_server::ports::jobs::{JobFilter, JobStore};
use ostiary_server::replicas::{Keeper, Leader};
use ostiary_server::store::sql::SqlStore;

use super::place::{Place, on_both};
use super::sample::NOW;

on_both!(told: a_night_has_one_backup_whoever_leads, two_who_take_themselves_for_the_leader_make_one);

const HOUR_MS: i64 = 3_600_000;

#[derive(Default)]
struct Night(AtomicI64);

impl Clock for Night {
    fn now(&self) -> UnixMillis {
        UnixMillis(NOW.0 + self.0.load(Ordering::SeqCst))
    }
}

impl Night {
    fn hours(&self, hours: i64) {
        self.0.fetch_add(hours * HOUR_MS, Ordering::SeqCst);
    }
}

/// A server: how it stands for the lease, and what looks whether the time has come.
pub struct Member {
    pub store: Arc<SqlStore>,
    pub keeper: Keeper,
    pub leader: Leader,
}

impl Member {
    pub async fn join(place: &Place, clock: Arc<dyn Clock>) -> Self {
        let store = Arc::new(place.open().await);
        let leader = Leader::elected(clock.clone());
        let card = ReplicaCard {
            id: ReplicaId::generate(),
            name: "one of several".into(),
            version: "1".into(),
            started_at: clock.now(),
        };
        let keeper = Keeper::new(store.clone(), clock, leader.clone(), card);
        keeper.beat().await.unwrap();
        Self { store, keeper, leader }
    }

    fn nights(&self, place: &Place, clock: &Arc<Night>, leader: Leader) -> Nightly {
        let jobs = Jobs {
            store: self.store.clone(),
            spool: Spool::open(place.folder().join("spool")).unwrap(),
            sharing: None,
            under_way: UnderWay::default(),
            feed: Feed::default(),
            clock: clock.clone(),
            node: "here".into(),
            keep: Duration::from_secs(30 * 24 * 3_600),
        };
        // Two hours before the time comes.
        let minute = u32::try_from((NOW.0 + 2 * HOUR_MS).rem_euclid(24 * HOUR_MS) / 60_000).unwrap();
        Nightly { jobs: Arc::new(jobs), kind: JobKind::Backup, minute, since: NOW, leader }
    }

    async fn backups(&self) -> usize {
        let filter = JobFilter { kind: Some(JobKind::Backup), ..JobFilter::default() };
        let jobs = self.store.jobs(&filter, None, 99).await.unwrap();
        jobs.iter().filter(|job| job.state == JobState::Ready).count()
    }
}

/// As if the leader had died and its lease had run out.
pub async fn bury_leader(place: &Place) {
    let pool = place.pool().await;
    sqlx::query("UPDATE leases SET ends_at = 0").execute(&pool).await.unwrap();
}

async fn a_night_has_one_backup_whoever_leads(place: Place) {
    let clock = Arc::new(Night::default());
    let (one, other) = (Member::join(&place, clock.clone()).await, Member::join(&place, clock.clone()).await);
    let (here, there) =
        (one.nights(&place, &clock, one.leader.clone()), other.nights(&place, &clock, other.leader.clone()));
    assert!(here.look().await.unwrap().is_none(), "not yet");
    clock.hours(3);
    assert!(there.look().await.unwrap().is_none(), "it does not lead");
    assert!(here.look().await.unwrap().is_some());
    assert!(here.look().await.unwrap().is_none(), "once");
    assert_eq!(other.backups().await, 1);

    // The next night the leader is gone.
    clock.hours(24);
    bury_leader(&place).await;
    other.keeper.beat().await.unwrap();
    assert!(there.look().await.unwrap().is_some());
    assert!(there.look().await.unwrap().is_none());
    assert_eq!(one.backups().await, 2);
}

async fn two_who_take_themselves_for_the_leader_make_one(place: Place) {
    let clock = Arc::new(Night::default());
    let (one, other) = (Member::join(&place, clock.clone()).await, Member::join(&place, clock.clone()).await);
    let (here, there) = (one.nights(&place, &clock, Leader::alone()), other.nights(&place, &clock, Leader::alone()));
    for night in 1..=5 {
        clock.hours(if night == 1 { 3 } else { 24 });
        let (first, second) = tokio::join!(here.look(), there.look());
        assert_eq!(first.unwrap().iter().chain(&second.unwrap()).count(), 1, "night {night}");
        assert_eq!(one.backups().await, night);
    }
}
