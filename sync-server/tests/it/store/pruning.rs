//! Old events go, the oldest first, and take what belongs to them along.

use ostiary_common::ids::StreamId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::ports::EventStore;
use ostiary_server::ports::PruneStore;

use super::place::{Place, on_both};
use super::sample::{NOW, batch, device, visit};

on_both!(the_oldest_go_first);

async fn the_oldest_go_first(place: Place) {
    let store = place.open().await;
    let device = device(&store, "cam").await;
    // Each a millisecond after the one before.
    let seen: Vec<_> = (1..=5).map(|seq| visit(seq, OutcomeKind::Unknown, None, Some(b"\xFF\xD8\xFF"))).collect();
    store.ingest(&batch(device.id, StreamId::generate(), seen.clone())).await.unwrap();
    let before = UnixMillis(NOW.0 + 4);
    for (removed, left) in [(2, [3, 4, 5].as_slice()), (1, &[4, 5]), (0, &[4, 5])] {
        assert_eq!(store.prune_events(before, 2).await.unwrap(), removed);
        let there = store.events(&EventFilter::default(), Page::After(0), 9).await.unwrap();
        assert_eq!(there.iter().map(|event| event.record.seq).collect::<Vec<_>>(), left);
    }
    assert!(store.crop(seen[0].id).await.unwrap().is_none() && store.crop(seen[4].id).await.unwrap().is_some());
    let pool = place.pool().await;
    let pictures: i64 = sqlx::query_scalar("SELECT count(*) FROM event_crops").fetch_one(&pool).await.unwrap();
    assert_eq!(pictures, 2);
    pool.close().await;
}
