//! Conversations and figures: what is said is found by whom it is for, and what is counted is counted once.

use std::time::Duration;

use ostiary_common::ids::{StreamId, UserId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::access::{Circle, Reach, Role, Scope};
use ostiary_server::domain::device::Device;
use ostiary_server::domain::notify::{MessageId, ThreadId};
use ostiary_server::domain::talk::{About, Thread, ThreadState};
use ostiary_server::ports::figures::{FigureStore, Span};
use ostiary_server::ports::talk::{NewMessage, TalkSight, TalkStore, ThreadFilter};
use ostiary_server::ports::{EventStore, PersonStore};
use ostiary_server::store::sql::SqlStore;

use super::notify::account;
use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, person, visit};

on_both!(told: what_is_said_is_found_by_whom_it_is_for, what_is_counted_is_counted_once);

async fn begun(store: &SqlStore, about: About, at: &Device) -> ThreadId {
    let thread = Thread {
        id: ThreadId::generate(),
        about,
        person: None,
        place: Some((at.site, at.door)),
        state: ThreadState::Open,
        assignee: None,
        held: false,
        messages: 0,
        created_at: NOW,
        last_at: NOW,
        version: 1,
        unread: 0,
    };
    store.open_thread(&thread).await.unwrap().0.id
}

async fn said(store: &SqlStore, thread: ThreadId, author: UserId, mentions: Vec<UserId>) -> MessageId {
    let (id, at) = (MessageId::generate(), NOW.plus(Duration::from_secs(1)));
    let message = NewMessage { id, thread, author, at, text: "who is this".into(), mentions, events: Vec::new() };
    assert!(store.say(&message).await.unwrap());
    id
}

async fn what_is_said_is_found_by_whom_it_is_for(place: Place) {
    let store = place.open().await;
    let (here, there) = (device(&store, "here").await, device(&store, "there").await);
    let ada = account(&store, "ada", Role::Operator, Scope::Door(here.door)).await;
    let bob = account(&store, "bob", Role::Operator, Scope::Everything).await;
    let of_door = begun(&store, About::Door(here.door), &here).await;
    let elsewhere = begun(&store, About::Door(there.door), &there).await;
    let first = said(&store, of_door, bob, vec![ada]).await;
    let second = said(&store, of_door, bob, Vec::new()).await;
    let groups = std::iter::once(ostiary_common::ids::GroupId::generate()).collect();
    let circle = Circle::Within { groups, everyone: false, own: Default::default() };
    let narrow = TalkSight { account: ada, reach: Reach::of([Scope::Door(here.door)]), circle };
    let wide = TalkSight { account: bob, reach: Reach::Everything, circle: Circle::Everything };
    let found = async |sight: &TalkSight, filter| {
        let threads = store.threads(sight, filter, None, 9).await.unwrap();
        threads.into_iter().map(|thread| (thread.id, thread.unread)).collect::<Vec<_>>()
    };
    assert_eq!(found(&narrow, ThreadFilter::default()).await, [(of_door, 2)]);
    assert_eq!(found(&wide, ThreadFilter::default()).await, [(of_door, 0), (elsewhere, 0)]);
    let filters = [
        ThreadFilter { state: Some(ThreadState::Resolved), ..ThreadFilter::default() },
        ThreadFilter { assignee: Some(ada), ..ThreadFilter::default() },
        ThreadFilter { about: Some(About::Door(there.door)), ..ThreadFilter::default() },
    ];
    for filter in filters {
        assert_eq!(found(&narrow, filter).await, [], "{filter:?}");
    }
    assert_eq!(found(&narrow, ThreadFilter { of: Some(ada), ..ThreadFilter::default() }).await, [(of_door, 2)]);
    let later = Some((NOW, ThreadId::generate()));
    assert!(store.threads(&wide, ThreadFilter::default(), later, 9).await.unwrap().len() < 2);
    let site = TalkSight { reach: Reach::of([Scope::Site(there.site)]), ..narrow.clone() };
    assert_eq!(found(&site, ThreadFilter::default()).await, [(elsewhere, 0)]);
    assert_eq!(store.visible(&narrow, &[of_door, elsewhere]).await.unwrap(), [of_door].into());
    assert_eq!(store.messages(of_door, Some(second), 9).await.unwrap()[0].id, first);
    assert!(store.edit(first, Some("who was this"), NOW).await.unwrap());
    assert_eq!(store.history(first).await.unwrap()[0].1, "who is this");
    assert!(store.edit(second, None, NOW).await.unwrap());
    let changed = store.searchable(0, 9).await.unwrap();
    assert_eq!(changed.last().map(|message| (message.message, message.text.is_none())), Some((second, true)));
    assert!(store.newest_edit().await.unwrap() >= 4);
    store.read_upto(ada, of_door, second, NOW).await.unwrap();
    assert_eq!(found(&narrow, ThreadFilter::default()).await, [(of_door, 0)]);
    assert_eq!(store.message(first).await.unwrap().unwrap().thread, of_door);
}

async fn what_is_counted_is_counted_once(place: Place) {
    let store = place.open().await;
    let (cam, ada) = (device(&store, "cam").await, person("Ada"));
    store.add_person(&ada).await.unwrap();
    let mut seen: Vec<_> = (1..=7).map(|seq| visit(seq, OutcomeKind::Unknown, None, None)).collect();
    seen.push(visit(8, OutcomeKind::Match, Some(ada.id), None));
    store.ingest(&batch(cam.id, StreamId::generate(), seen)).await.unwrap();
    while store.count_visits(3).await.unwrap() {}
    assert!(!store.count_visits(3).await.unwrap());
    let day = Duration::from_secs(24 * 3_600);
    let until = NOW.plus(day);
    let span = |reach: Reach| Span { reach, site: None, door: None, from: NOW, until };
    let from = ostiary_common::time::UnixMillis(NOW.0 - 86_400_000);
    for (span, expected) in [
        (Span { from, ..span(Reach::Everything) }, 8),
        (Span { from, ..span(Reach::of([Scope::Door(cam.door)])) }, 8),
        (Span { from, site: Some(cam.site), ..span(Reach::Everything) }, 8),
        (Span { from, door: Some(cam.door), ..span(Reach::Everything) }, 8),
        (Span { from, ..span(Reach::NOTHING) }, 0),
    ] {
        let counted: u64 = store.visits(&span).await.unwrap().iter().map(|visit| visit.count).sum();
        assert_eq!(counted, expected, "{span:?}");
        let decided: u64 = store.decisions(&span).await.unwrap().iter().map(|bucket| bucket.1).sum();
        assert_eq!(decided, expected, "{span:?}");
        let most = store.most_seen(&span, 3).await.unwrap();
        assert_eq!(most.first().map(|(who, _)| *who), (expected > 0).then_some(ada.id), "{span:?}");
    }
    store.add_usage(3, &[("api", "events_list".into(), 2)]).await.unwrap();
    store.add_usage(3, &[("api", "events_list".into(), 5)]).await.unwrap();
    assert_eq!(store.usage("api", 0, 9).await.unwrap()[0].count, 7);
    store.sample_storage(4).await.unwrap();
    assert!(!store.storage(0, 9).await.unwrap().is_empty());
}
