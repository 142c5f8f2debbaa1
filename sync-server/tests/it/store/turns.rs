//! Several servers on one store: what one has checked holds until its commit, numbers rise in the order in which others
//! see them, and what one remembers is no older than what another has written.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{EventId, StreamId};
use ostiary_common::wire::Revision;
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::domain::gallery::WalkQuestion;
use ostiary_server::domain::recognition::{Change, InstallationRules};
use ostiary_server::ports::{EventStore, GalleryStore, PersonStore, RecognitionStore, StoreError};
use ostiary_server::store::sql::SqlStore;
use tokio::task::JoinSet;

use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, pack, person, report, template};

on_both!(
    who_follows_the_cursor_misses_nothing,
    of_two_changes_of_one_version_one_is_made,
    a_photo_is_taken_once_and_every_revision_is_one_change,
    a_page_remembered_is_not_older_than_what_another_wrote,
);

/// Stores of as many servers, in the same place.
async fn servers(place: &Place) -> [Arc<SqlStore>; 2] {
    [Arc::new(place.open().await), Arc::new(place.open().await)]
}

/// Reads on from the last cursor it saw, as the live feed does, until it was told that no more come.
async fn follow(store: Arc<SqlStore>, over: Arc<AtomicBool>) -> Vec<EventId> {
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let was_over = over.load(Ordering::Acquire);
        let page = store.events(&EventFilter::default(), Page::After(after), 20).await.unwrap();
        if page.is_empty() && was_over {
            return seen;
        }
        after = page.last().map_or(after, |event| event.cursor);
        seen.extend(page.iter().map(|event| event.record.id));
        tokio::task::yield_now().await;
    }
}

async fn who_follows_the_cursor_misses_nothing(place: Place) {
    let servers = servers(&place).await;
    let mut writers = JoinSet::new();
    for number in 0..6 {
        let store = Arc::clone(&servers[number % 2]);
        let device = device(&*store, &format!("cam {number}")).await;
        writers.spawn(async move {
            let stream = StreamId::generate();
            let mut sent = BTreeSet::new();
            for first in (1..60).step_by(3) {
                let events: Vec<_> = (first..first + 3).map(report).collect();
                sent.extend(events.iter().map(|event| event.id));
                store.ingest(&batch(device.id, stream, events)).await.unwrap();
            }
            sent
        });
    }
    let over = Arc::new(AtomicBool::new(false));
    let follower = tokio::spawn(follow(Arc::clone(&servers[0]), Arc::clone(&over)));
    let mut sent = BTreeSet::new();
    while let Some(some) = writers.join_next().await {
        sent.extend(some.unwrap());
    }
    over.store(true, Ordering::Release);
    let seen = follower.await.unwrap();
    assert_eq!(seen.len(), sent.len(), "each once");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), sent);
}

async fn of_two_changes_of_one_version_one_is_made(place: Place) {
    let servers = servers(&place).await;
    for version in 0..12 {
        let change = Change { expected: Some(version), now: NOW };
        let rules = InstallationRules::default();
        let (one, other) =
            tokio::join!(servers[0].put_recognition(&rules, change), servers[1].put_recognition(&rules, change));
        let refused = |made: &Result<_, StoreError>| matches!(made, Err(StoreError::Outdated { .. }));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        assert!(refused(&one) || refused(&other), "{one:?} {other:?}");
    }
}

async fn a_photo_is_taken_once_and_every_revision_is_one_change(place: Place) {
    let servers = servers(&place).await;
    let someone = person("Ada");
    servers[0].add_person(&someone).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..24u8 {
        let (store, template) = (Arc::clone(&servers[usize::from(number % 2)]), template(someone.id, number / 2));
        tasks.spawn(async move { store.add_template(&template).await.unwrap().1 });
    }
    let revisions: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(revisions.iter().collect::<BTreeSet<_>>().len(), 12, "each photo once, at a revision of its own");
    assert_eq!(servers[1].revision().await.unwrap(), Revision(12));
    assert_eq!(servers[1].templates(someone.id).await.unwrap().len(), 12);
}

async fn a_page_remembered_is_not_older_than_what_another_wrote(place: Place) {
    let [one, other] = servers(&place).await;
    let device = device(&*one, "cam").await;
    let someone = person("Ada");
    one.add_person(&someone).await.unwrap();
    for photo in 0..8 {
        let writer = if photo % 2 == 0 { &one } else { &other };
        writer.add_template(&template(someone.id, photo)).await.unwrap();
        for reader in [&one, &other, &one] {
            let (have, digest) = (Revision(0), GalleryDigest::default());
            let most_bytes = 64 * 1024;
            let question =
                WalkQuestion { device: device.id, pack: pack(), have, digest, resume: None, most_bytes, now: NOW };
            let page = reader.walk(&question).await.unwrap();
            assert_eq!(page.persons.iter().map(|person| person.templates.len()).sum::<usize>(), usize::from(photo) + 1);
            assert_eq!(page.to_rev, Revision(u64::from(photo) + 1));
        }
    }
}
