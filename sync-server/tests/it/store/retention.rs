//! What is older than it may be goes, kind by kind, and is counted; by a clock that the test sets.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::{DoorId, SiteId, StreamId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::account::InstallationId;
use ostiary_server::domain::audit::{AuditEntry, AuditResult};
use ostiary_server::domain::device::Door;
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::domain::notify::ThreadId;
use ostiary_server::domain::recognition::Change;
use ostiary_server::domain::retention::{DataKind, day_of};
use ostiary_server::domain::talk::{About, Thread, ThreadState};
use ostiary_server::identity::signing::SigningKeys;
use ostiary_server::identity::tokens::{TokenLives, Tokens};
use ostiary_server::ledger::{Ledger, head_file};
use ostiary_server::ports::talk::{TalkStore, ThreadChange};
use ostiary_server::ports::{AuditStore, Clock, ConsentStore, DeviceStore, EventStore, PersonStore, SettingsStore};
use ostiary_server::retainer::{Retainer, SETTING};
use ostiary_server::store::sql::SqlStore;
use ostiary_server::talk::settings::{ConversationSettings, SiteTalk};

use super::consent::{consent, note};
use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, person, visit};

on_both!(told: each_kind_goes_when_its_time_is_over, conversations_go_by_site_and_never_what_is_held);

const JPEG: &[u8] = b"\xFF\xD8\xFF a picture";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct At(UnixMillis);

impl Clock for At {
    fn now(&self) -> UnixMillis {
        self.0
    }
}

fn after(days: u32) -> UnixMillis {
    NOW.plus(days * DAY + Duration::from_secs(1))
}

fn retainer(place: &Place, store: &Arc<SqlStore>, now: UnixMillis) -> Retainer {
    let keys = SigningKeys::open(&place.folder().join("keys"), NOW).unwrap();
    let tokens = Arc::new(Tokens::new(keys, TokenLives { device: DAY, access: DAY }, InstallationId::generate()));
    let clock: Arc<dyn Clock> = Arc::new(At(now));
    let ledger = Ledger {
        store: store.clone(),
        tokens,
        clock: clock.clone(),
        head_file: head_file(place.folder()),
        keep: Some(40 * DAY),
        leader: ostiary_server::replicas::Leader::alone(),
    };
    Retainer { kept: store.clone(), store: store.clone(), talk: store.clone(), ledger: Arc::new(ledger), clock }
}

async fn swept(place: &Place, store: &Arc<SqlStore>, days: u32) -> Vec<(&'static str, u64)> {
    let swept = retainer(place, store, after(days)).sweep().await.unwrap();
    swept.into_iter().filter(|(_, count)| *count > 0).map(|(kind, count)| (kind.as_str(), count)).collect()
}

async fn each_kind_goes_when_its_time_is_over(place: Place) {
    let store = Arc::new(place.open().await);
    let device = device(&*store, "cam").await;
    let (ada, gone) = (person("Ada"), person("Gone"));
    for someone in [&ada, &gone] {
        store.add_consenting(someone, &consent(someone.id, NOW), &note()).await.unwrap();
    }
    store.remove_person(gone.id, NOW).await.unwrap();
    let known = visit(1, OutcomeKind::Match, Some(ada.id), Some(JPEG));
    let strangers: Vec<_> = (2..=700).map(|seq| visit(seq, OutcomeKind::Unknown, None, Some(JPEG))).collect();
    let all: Vec<_> = std::iter::once(known.clone()).chain(strangers.clone()).collect();
    for some in all.chunks(100) {
        store.ingest(&batch(device.id, StreamId::generate(), some.to_vec())).await.unwrap();
    }
    let line = AuditEntry {
        at: after(100),
        actor: "user:1".into(),
        action: "test".into(),
        target: String::new(),
        source: String::new(),
        result: AuditResult::Ok,
        detail: String::new(),
    };
    store.audit(&line).await.unwrap();

    assert_eq!(swept(&place, &store, 2).await, []);
    let report = retainer(&place, &store, after(4)).report(30).await.unwrap();
    let strange = report.iter().find(|kind| kind.kind == DataKind::Strangers).unwrap();
    assert_eq!((strange.days, strange.held.due, strange.removed.len()), (Some(3), 699, 0));
    assert_eq!(swept(&place, &store, 4).await, [("strangers", 699)], "more than one turn takes");
    assert!(store.crop(strangers[0].id).await.unwrap().is_none() && store.crop(known.id).await.unwrap().is_some());
    let events = store.events(&EventFilter::default(), Page::After(0), 999).await.unwrap();
    assert_eq!((events.len(), events.iter().filter(|event| event.has_crop).count()), (700, 1), "the events stay");
    assert_eq!(swept(&place, &store, 31).await, [("pictures", 1)]);
    assert_eq!(swept(&place, &store, 41).await, [("audit", 2)], "as the configuration says");

    // As people set it from now on: the audit log stays, events go.
    let body = r#"{"events_days": 50, "pictures_days": 30, "strangers_days": null, "audit_days": null,
        "errors_days": 90, "consents_days": 1095}"#;
    store.put_setting(SETTING, body, Change { expected: None, now: NOW }, &note()).await.unwrap();
    assert_eq!(swept(&place, &store, 51).await, [("events", 700)]);
    assert_eq!(swept(&place, &store, 1_000).await, []);
    assert_eq!(swept(&place, &store, 1_096).await, [("consents", 1)], "of who was erased; others' stay");
    assert_eq!((store.consents(ada.id).await.unwrap().len(), store.consents(gone.id).await.unwrap().len()), (1, 0));

    let report = retainer(&place, &store, after(51)).report(60).await.unwrap();
    let removed = |kind| report.iter().find(|it| it.kind == kind).unwrap().removed.clone();
    assert_eq!(
        removed(DataKind::Events).iter().map(|it| (it.day, it.count)).collect::<Vec<_>>(),
        [(day_of(after(51)), 700)]
    );
    assert_eq!(removed(DataKind::Strangers)[0].count, 699);
}

async fn said(store: &SqlStore, site: SiteId, held: bool) -> ThreadId {
    let door = Door { id: DoorId::generate(), site, name: format!("door {held}"), created_at: NOW };
    store.add_door(&door).await.unwrap();
    let thread = Thread {
        id: ThreadId::generate(),
        about: About::Door(door.id),
        person: None,
        place: Some((site, door.id)),
        state: ThreadState::Open,
        assignee: None,
        held: false,
        messages: 0,
        created_at: NOW,
        last_at: NOW,
        version: 1,
        unread: 0,
    };
    let id = store.open_thread(&thread).await.unwrap().0.id;
    let became = ThreadChange { state: ThreadState::Open, assignee: None, held };
    store.put_thread(id, became, Change { expected: None, now: NOW }, &note()).await.unwrap().unwrap();
    id
}

async fn conversations_go_by_site_and_never_what_is_held(place: Place) {
    let store = Arc::new(place.open().await);
    let (here, there) = (device(&*store, "here").await.site, device(&*store, "there").await.site);
    let reader = UserId::generate();
    let (old, kept, longer) =
        (said(&store, here, false).await, said(&store, here, true).await, said(&store, there, false).await);
    let set = ConversationSettings { keep_days: 10, sites: vec![SiteTalk { site: there.0, keep_days: 20 }] };
    let body = serde_json::to_string(&set).unwrap();
    let change = Change { expected: None, now: NOW };
    store.put_setting(ostiary_server::talk::settings::NAME, &body, change, &note()).await.unwrap();
    let talk_swept = async |days| {
        let swept = swept(&place, &store, days).await;
        swept.into_iter().find(|(kind, _)| *kind == "conversations").map_or(0, |(_, count)| count)
    };
    assert_eq!(talk_swept(9).await, 0);
    let report = retainer(&place, &store, after(11)).report(30).await.unwrap();
    let talk = report.iter().find(|kind| kind.kind == DataKind::Conversations).unwrap();
    assert_eq!((talk.days, talk.held.due, talk.held.oldest), (Some(10), 1, Some(NOW)));
    assert_eq!(talk_swept(11).await, 1);
    assert_eq!(talk_swept(21).await, 1, "a site of its own time");
    assert_eq!(talk_swept(100).await, 0);
    let there_is = async |id| store.thread(id, reader).await.unwrap().is_some();
    assert_eq!((there_is(old).await, there_is(kept).await, there_is(longer).await), (false, true, false));
    let report = retainer(&place, &store, after(21)).report(30).await.unwrap();
    let talk = report.iter().find(|kind| kind.kind == DataKind::Conversations).unwrap();
    assert_eq!(talk.removed.iter().map(|removed| removed.count).sum::<u64>(), 2);
}
