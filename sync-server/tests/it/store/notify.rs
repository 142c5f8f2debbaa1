//! Notices: a storm of events is few messages and loses none, steps are taken once, and messages are brought until they
//! are taken.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostiary_common::ids::{StreamId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::accounts::links::Links;
use ostiary_server::config::Config;
use ostiary_server::domain::access::{Grant, Reach, Role, Scope};
use ostiary_server::domain::account::{Email, Login, NewAccount};
use ostiary_server::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use ostiary_server::domain::device::Device;
use ostiary_server::domain::notify::{DeliveryId, RuleId, What};
use ostiary_server::health::Monitor;
use ostiary_server::health::jobs::Jobs;
use ostiary_server::notify::Bells;
use ostiary_server::notify::courier::Courier;
use ostiary_server::notify::herald::Herald;
use ostiary_server::ports::accounts::AccountStore;
use ostiary_server::ports::mailer::{MailError, Mailer, Message};
use ostiary_server::ports::notify::OutboxStore;
use ostiary_server::ports::notify::{
    CentreStore, Delivery, DeliveryFilter, DeliveryState, HeraldStore, Reason, RuleStore, Step, StoredRule,
};
use ostiary_server::ports::{Clock, EventStore};
use ostiary_server::poster::HttpPoster;
use ostiary_server::replicas::Leader;
use ostiary_server::store::sql::SqlStore;
use serde_json::json;

use super::nights::{Member, bury_leader};
use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, visit};

on_both!(
    told:
    a_storm_is_few_messages_and_loses_nothing,
    what_was_cut_off_is_told_once,
    messages_are_brought_until_they_are_taken,
    what_nobody_reads_is_told_to_others_and_old_notices_go,
    of_several_servers_the_leader_sends_and_the_next_goes_on_at_once,
);

struct Wall(AtomicI64);

impl Clock for Wall {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// Takes messages, after refusing some for now.
#[derive(Default)]
struct Letterbox {
    busy: Mutex<u32>,
    taken: Mutex<Vec<Message>>,
}

#[async_trait::async_trait]
impl Mailer for Letterbox {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let mut busy = self.busy.lock().unwrap();
        if *busy > 0 {
            *busy -= 1;
            return Err(MailError::Later("greylisted".into()));
        }
        self.taken.lock().unwrap().push(message.clone());
        Ok(())
    }
}

struct House {
    store: Arc<SqlStore>,
    clock: Arc<Wall>,
    herald: Herald,
    courier: Courier,
    post: Arc<Letterbox>,
    device: Device,
    guard: UserId,
}

pub fn note() -> AuditNote {
    let entry = AuditEntry {
        at: NOW,
        actor: "cli".into(),
        action: "test".into(),
        target: String::new(),
        source: String::new(),
        result: AuditResult::Ok,
        detail: String::new(),
    };
    AuditNote { entry, trace: AuditTrace::default() }
}

pub async fn account(store: &SqlStore, login: &str, role: Role, scope: Scope) -> UserId {
    let mut account =
        NewAccount::person(Login::parse(login).unwrap(), "no hash".into(), vec![Grant { role, scope }], NOW);
    account.email = Some(Email::parse(&format!("{login}@example.org")).unwrap());
    store.add_account(&account).await.unwrap();
    account.id
}

async fn rule(store: &SqlStore, form: serde_json::Value) -> RuleId {
    let id = RuleId::generate();
    let stored = StoredRule {
        id,
        form: form.to_string(),
        place: Scope::Everything,
        version: 1,
        created_at: NOW,
        changed_at: NOW,
    };
    store.add_rule(&stored, &note()).await.unwrap();
    id
}

impl House {
    async fn build(place: &Place) -> Self {
        let store = Arc::new(place.open().await);
        let device = device(&*store, "cam").await;
        let guard = account(&store, "guard", Role::Operator, Scope::Door(device.door)).await;
        account(&store, "stranger", Role::Operator, Scope::Everything).await;
        let (clock, post, bells) =
            (Arc::new(Wall(AtomicI64::new(NOW.0))), Arc::new(Letterbox::default()), Bells::default());
        let jobs = Arc::new(Jobs::new(clock.clone()));
        let herald = Herald {
            store: store.clone(),
            clock: clock.clone(),
            health: Arc::new(Monitor::new(clock.clone())),
            newest: tokio::sync::watch::channel(0).1,
            bells: bells.clone(),
            jobs: jobs.clone(),
            leader: Leader::alone(),
        };
        let courier = Courier {
            store: store.clone(),
            clock: clock.clone(),
            mailer: Some(post.clone()),
            poster: Arc::new(HttpPoster::new(Vec::new())),
            push: None,
            links: Links::new(&Config::default(), 443),
            key: store.derived_key("unsubscribe"),
            bells,
            jobs,
            leader: Leader::alone(),
        };
        // Everything before counts as followed.
        herald.pass().await.unwrap();
        Self { store, clock, herald, courier, post, device, guard }
    }

    async fn unknown_rule(&self, more: serde_json::Value) -> RuleId {
        let mut form = json!({"name": "Unknown", "what": ["unknown"], "whom": {"accounts": [self.guard]},
            "how": {"email": true}});
        form.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule(&self.store, form).await
    }

    async fn see(&self, count: u64) {
        let stream = StreamId::generate();
        for first in (1..=count).step_by(500) {
            let seqs = first..=count.min(first + 499);
            let events: Vec<_> = seqs.map(|seq| visit(seq, OutcomeKind::Unknown, None, None)).collect();
            self.store.ingest(&batch(self.device.id, stream, events)).await.unwrap();
        }
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    async fn told(&self) -> Vec<ostiary_server::ports::notify::Told> {
        let sight = vec![(What::ALL.to_vec(), Reach::of([Scope::Door(self.device.door)]))];
        self.store.told(self.guard, &sight, false, None, 50).await.unwrap()
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        self.store.deliveries(&Reach::Everything, DeliveryFilter::default(), None, 500).await.unwrap()
    }
}

async fn a_storm_is_few_messages_and_loses_nothing(place: Place) {
    let house = House::build(&place).await;
    house.unknown_rule(json!({})).await;
    house.see(10_000).await;
    house.herald.pass().await.unwrap();
    let told = house.told().await;
    assert_eq!((told.len(), told[0].notice.count, told[0].unread), (1, 10_000, true));
    house.courier.bring().await.unwrap();
    assert_eq!(house.post.taken.lock().unwrap().len(), 1, "one message for a storm");
    house.later(300);
    house.herald.pass().await.unwrap();
    house.courier.bring().await.unwrap();
    {
        let taken = house.post.taken.lock().unwrap();
        assert_eq!(taken.len(), 2, "and one sequel");
        assert!(taken[1].subject.contains("10000 times"), "{}", taken[1].subject);
        assert_ne!(taken[0].bulk.as_ref().unwrap().id, taken[1].bulk.as_ref().unwrap().id);
    }
    let (mut gathered, mut after) = (0, None);
    loop {
        let page = house.store.notice_events(told[0].notice.id, after, 500).await.unwrap();
        gathered += page.len();
        match page.last() {
            Some((event, _)) => after = Some(*event),
            None => break,
        }
    }
    assert_eq!(gathered, 10_000, "none is lost from history");
    // A pause in which nothing comes ends it; the next visit is told anew.
    house.later(300);
    house.herald.pass().await.unwrap();
    house.see(1).await;
    house.herald.pass().await.unwrap();
    assert_eq!(house.told().await.iter().map(|told| told.notice.count).collect::<Vec<_>>(), [1, 10_000]);
    let elsewhere = vec![(What::ALL.to_vec(), Reach::NOTHING)];
    assert_eq!(house.store.count_unread(house.guard, &elsewhere).await.unwrap(), 0, "out of reach, out of sight");
}

async fn what_was_cut_off_is_told_once(place: Place) {
    let house = House::build(&place).await;
    house.unknown_rule(json!({})).await;
    house.see(3).await;
    // Another server, or this one before it was killed, begins at the same place.
    let state = house.store.herald_state().await.unwrap();
    house.herald.pass().await.unwrap();
    let (events, audit) = (state.events + 3, state.audit);
    let late = Step { generation: state.generation, events, audit, ..Step::default() };
    assert!(!house.store.take_step(&late).await.unwrap(), "its step is not taken");
    house.herald.pass().await.unwrap();
    assert_eq!(house.told().await[0].notice.count, 3);
    assert_eq!(house.deliveries().await.len(), 1);
}

async fn messages_are_brought_until_they_are_taken(place: Place) {
    let house = House::build(&place).await;
    let rule = house.unknown_rule(json!({})).await;
    house.see(1).await;
    house.herald.pass().await.unwrap();
    *house.post.busy.lock().unwrap() = 1;
    house.courier.bring().await.unwrap();
    let waiting = house.deliveries().await.remove(0);
    assert_eq!((waiting.state, waiting.attempts), (DeliveryState::Waiting, 1));
    assert!(waiting.error.as_ref().unwrap().contains("greylisted"));
    house.courier.bring().await.unwrap();
    assert!(house.post.taken.lock().unwrap().is_empty(), "not before its time");
    house.later(5);
    house.courier.bring().await.unwrap();
    assert_eq!(house.deliveries().await[0].state, DeliveryState::Sent);
    {
        let taken = house.post.taken.lock().unwrap();
        let [message] = taken.as_slice() else { panic!("{} messages", taken.len()) };
        assert_eq!(message.bulk.as_ref().unwrap().id, waiting.id.to_string(), "known again by its id");
        assert!(message.text.contains("door of cam") && message.html.is_some());
    }
    // Who wants no more gets no more, and the centre has it all the same.
    let wishes = json!({"muted_rules": [rule]}).to_string();
    let change = ostiary_server::domain::recognition::Change { expected: None, now: NOW };
    house.store.put_wishes(house.guard, &wishes, change).await.unwrap();
    house.later(900);
    house.herald.pass().await.unwrap();
    house.see(1).await;
    house.herald.pass().await.unwrap();
    house.courier.bring().await.unwrap();
    let held = house.deliveries().await.remove(0);
    assert_eq!(held.state, DeliveryState::Held);
    assert_eq!(house.told().await.len(), 2);
    let page = house.store.deliveries(&Reach::Everything, DeliveryFilter::default(), Some(held.id), 1).await.unwrap();
    assert_eq!(page[0].id, waiting.id);
    assert!(held.id > DeliveryId(uuid::Uuid::nil()));
}

async fn what_nobody_reads_is_told_to_others_and_old_notices_go(place: Place) {
    let house = House::build(&place).await;
    let chief = account(&house.store, "chief", Role::Owner, Scope::Everything).await;
    let escalation = json!({"escalation": {"after_s": 60, "whom": {"accounts": [chief]}, "how": {"email": true}}});
    house.unknown_rule(escalation).await;
    house.see(1).await;
    house.herald.pass().await.unwrap();
    house.later(60);
    house.herald.pass().await.unwrap();
    let reasons: Vec<Reason> = house.deliveries().await.iter().map(|delivery| delivery.reason).collect();
    assert_eq!(reasons, [Reason::Escalation, Reason::First]);
    let everything = vec![(What::ALL.to_vec(), Reach::Everything)];
    assert_eq!(house.store.count_unread(chief, &everything).await.unwrap(), 1);
    assert_eq!(house.store.mark_read(chief, None, house.clock.now()).await.unwrap(), 1);
    // The next one is read in time.
    house.later(600);
    house.herald.pass().await.unwrap();
    house.see(1).await;
    house.herald.pass().await.unwrap();
    let newest = house.told().await[0].notice.id;
    assert_eq!(house.store.mark_read(house.guard, Some(newest), house.clock.now()).await.unwrap(), 1);
    house.later(61);
    house.herald.pass().await.unwrap();
    assert_eq!(house.store.count_unread(chief, &everything).await.unwrap(), 0);
    house.later(600);
    house.herald.pass().await.unwrap();
    let all = house.clock.now().plus(Duration::from_secs(1));
    assert_eq!(house.store.prune_notices(all, 1).await.unwrap(), 1);
    assert_eq!(house.told().await.len(), 1);
}

async fn of_several_servers_the_leader_sends_and_the_next_goes_on_at_once(place: Place) {
    let mut house = House::build(&place).await;
    let (one, other) =
        (Member::join(&place, house.clock.clone()).await, Member::join(&place, house.clock.clone()).await);
    house.unknown_rule(json!({})).await;
    house.see(1).await;
    house.herald.pass().await.unwrap();
    house.courier.leader = other.leader.clone();
    house.courier.bring().await.unwrap();
    assert!(house.post.taken.lock().unwrap().is_empty(), "it does not lead");

    // The leader takes it, and dies before it says what became of it.
    let (now, first) = (house.clock.now(), one.leader.term().unwrap());
    let until = now.plus(Duration::from_secs(240));
    let taken = house.store.take_due(first, now, until, 9).await.unwrap();
    assert_eq!(taken.len(), 1);
    bury_leader(&place).await;
    other.keeper.beat().await.unwrap();
    assert!(house.store.take_due(first, until, until, 9).await.unwrap().is_empty(), "its term is over");
    house.courier.bring().await.unwrap();
    assert_eq!(house.post.taken.lock().unwrap().len(), 1, "the next one goes on, long before the other's time is over");
    assert_eq!(house.deliveries().await[0].state, DeliveryState::Sent);
    // It was not dead after all.
    let late = Delivery { state: DeliveryState::Waiting, next_at: now, ..taken[0].clone() };
    house.store.conclude(Some(first), &late).await.unwrap();
    house.courier.bring().await.unwrap();
    assert_eq!(house.post.taken.lock().unwrap().len(), 1);
}
