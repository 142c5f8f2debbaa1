//! What was cut off half-way was not done at all.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use ostiary_common::ids::{PersonId, StreamId};
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::ports::{EventStore, GalleryStore, PersonStore};
use ostiary_server::store::sql::SqlStore;

use super::place::{Place, on_both};
use super::sample::{batch, device, person, report, template};

on_both!(a_batch_is_stored_whole_or_not_at_all, a_template_and_its_revision_come_together);

/// Lets a future run for so many turns, then drops it, as a time-out or an end of the process would.
async fn cut_off_after<F: Future>(turns: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = turns;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn count(store: &SqlStore) -> usize {
    store.events(&EventFilter::default(), Page::After(0), 500).await.unwrap().len()
}

async fn a_batch_is_stored_whole_or_not_at_all(place: Place) {
    let store = place.open().await;
    let device = device(&store, "cam").await;
    for turns in 0..40 {
        let stream = StreamId::generate();
        let before = count(&store).await;
        let sent = batch(device.id, stream, (1..=5).map(report).collect());
        let finished = cut_off_after(turns, store.ingest(&sent)).await.is_some();
        // Another connection sees what a new process would.
        let again = place.open().await;
        let there = count(&again).await - before;
        assert!(there == 0 || there == 5, "{there} of 5 after {turns} turns");
        assert!(!finished || there == 5, "acknowledged but not there");
        let resent = again.ingest(&sent).await.unwrap();
        // A commit may already have been on its way to the disk when the caller went, and arrive after the look
        // above: then all five are there, unacknowledged, and the device's repetition finds them.
        assert!(resent.duplicates == 5 || (resent.duplicates, there) == (0, 0), "{resent:?}");
        assert_eq!(resent.upto_seq, 5);
        again.close().await;
    }
}

async fn a_template_and_its_revision_come_together(place: Place) {
    let store = place.open().await;
    let someone = person("Ada");
    store.add_person(&someone).await.unwrap();
    for turns in 0..30 {
        let _ = cut_off_after(turns, store.add_template(&template(someone.id, turns as u8))).await;
        let (rev, templates) = revision_and_templates(&store, someone.id).await;
        assert_eq!(rev, templates, "after {turns} turns");
    }
}

/// Both of one moment: a commit that was cut off may still end between two reads.
async fn revision_and_templates(store: &SqlStore, person: PersonId) -> (u64, u64) {
    loop {
        let before = store.revision().await.unwrap();
        let templates = store.templates(person).await.unwrap().len();
        if store.revision().await.unwrap() == before {
            return (before.0, templates as u64);
        }
    }
}
