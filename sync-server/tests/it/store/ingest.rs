//! However batches come (late, twice, out of order, with holes), each event is there once and the
//! acknowledgement is right.

use std::collections::BTreeSet;

use ostiary_common::ids::StreamId;
use ostiary_common::wire::EventRecord;
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::ports::EventStore;
use proptest::prelude::*;

use super::place::{Place, on_both};
use super::sample::{batch, device, report};

on_both!(an_outbox_made_anew_does_not_double_what_it_saved);

const EVENTS: u64 = 30;

/// Runs of sequence numbers, as a device may send them.
fn deliveries() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((1..=EVENTS, 1..=8u64).prop_map(|(first, n)| (first, (first + n - 1).min(EVENTS))), 1..25)
}

async fn each_event_once(place: Place, deliveries: Vec<(u64, u64)>, together: usize) {
    let store = place.open().await;
    let device = device(&store, "cam").await;
    let stream = StreamId::generate();
    let all: Vec<EventRecord> = (1..=EVENTS).map(report).collect();
    let run = |first: u64, last: u64| all[first as usize - 1..last as usize].to_vec();
    let mut sent = BTreeSet::new();
    for some in deliveries.chunks(together) {
        let batches: Vec<_> = some.iter().map(|(a, b)| batch(device.id, stream, run(*a, *b))).collect();
        let results = store.ingest_many(&batches).await.unwrap();
        for ((first, last), result) in some.iter().zip(results) {
            let result = result.unwrap();
            let new = (*first..=*last).filter(|seq| sent.insert(*seq)).count();
            assert_eq!(result.stored.len(), new);
            assert_eq!(result.duplicates as u64, last - first + 1 - new as u64);
            let upto = (1..).take_while(|seq| sent.contains(seq)).last().unwrap_or(0);
            assert_eq!(result.upto_seq, upto);
            assert_eq!(result.missing_from, (sent.last() > Some(&upto)).then_some(upto + 1));
        }
    }
    let stored = store.events(&EventFilter::default(), Page::After(0), 500).await.unwrap();
    let seqs: Vec<u64> = stored.iter().map(|event| event.record.seq).collect();
    assert_eq!(seqs.len(), sent.len(), "no event twice");
    assert_eq!(seqs.into_iter().collect::<BTreeSet<_>>(), sent, "no event lost");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sqlite_stores_each_event_once(deliveries in deliveries(), together in 1..4usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(each_event_once(Place::sqlite(), deliveries, together));
    }

    #[test]
    fn postgres_stores_each_event_once(deliveries in deliveries(), together in 1..4usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { each_event_once(Place::postgres().await, deliveries, together).await });
    }
}

async fn an_outbox_made_anew_does_not_double_what_it_saved(place: Place) {
    let store = place.open().await;
    let device = device(&store, "cam").await;
    let saved = report(9);
    store.ingest(&batch(device.id, StreamId::generate(), vec![saved.clone()])).await.unwrap();
    let renumbered = EventRecord { seq: 1, ..saved };
    let result = store.ingest(&batch(device.id, StreamId::generate(), vec![renumbered])).await.unwrap();
    assert_eq!((result.upto_seq, result.missing_from, result.duplicates), (1, None, 1));
}
