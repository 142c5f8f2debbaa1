//! The newest events, read from the store once for everybody who watches.
//!
//! Without it, a commit would be followed by as many queries as there are watchers. What a watcher may see is decided
//! for each event by its site and door. It keeps seconds' worth: whoever is further behind reads the store.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use ostiary_common::ids::{DoorId, SiteId};

use super::super::item::EventItem;
use crate::domain::access::Reach;
use crate::domain::event::{EventFilter, Page, StoredEvent};
use crate::ports::StoreError;
use crate::ports::reach::ReachStore;

/// How long an event is kept: names are in it, and a person removed is not to be named for longer than a moment.
const KEPT_FOR: Duration = Duration::from_secs(3);
/// Most events kept.
const MOST: usize = 4_000;
/// Events read from the store at once.
const PAGE: u32 = 500;
/// A gap larger than this, in cursors, is not read up for those at the end of it: nobody watched meanwhile.
const WIDEST_GAP: i64 = 2_000;

/// An event as it is sent.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its cursor.
    pub cursor: i64,
    /// Its JSON, one for everybody.
    pub text: Utf8Bytes,
    site: SiteId,
    door: DoorId,
    read: Instant,
}

/// The newest events.
#[derive(Default)]
pub struct Recent {
    kept: Mutex<Kept>,
    /// Held by who reads the store for all.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    /// Every event above this cursor, up to `upto`, is among `events`.
    from: i64,
    upto: i64,
    events: VecDeque<Told>,
}

impl From<StoredEvent> for Told {
    fn from(event: StoredEvent) -> Self {
        let (cursor, site, door) = (event.cursor, event.site, event.door);
        let text = serde_json::to_string(&EventItem::from(event)).expect("an event has a JSON form");
        Self { cursor, text: text.into(), site, door, read: Instant::now() }
    }
}

impl Recent {
    /// The events within a reach above one cursor up to another, which must be committed. `None` if so many are not kept:
    /// the store has them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn between(
        &self,
        store: &dyn ReachStore,
        reach: &Reach,
        after: i64,
        upto: i64,
    ) -> Result<Option<Vec<Told>>, StoreError> {
        if self.kept().upto < upto {
            let _reading = self.reading.lock().await;
            // Somebody else may have read them while this one waited.
            self.read_up(store, upto).await?;
        }
        Ok(self.kept().between(reach, after, upto))
    }

    async fn read_up(&self, store: &dyn ReachStore, upto: i64) -> Result<(), StoreError> {
        loop {
            let after = self.kept().begin(upto);
            if after >= upto {
                return Ok(());
            }
            let page = Page::After(after);
            let events = store.events_within(&Reach::Everything, &EventFilter::default(), page, PAGE).await?;
            let is_last = events.len() < PAGE as usize;
            let told: Vec<Told> = events.into_iter().map(Told::from).collect();
            let reached = told.last().map_or(upto, |last| if is_last { last.cursor.max(upto) } else { last.cursor });
            self.kept().add(told, reached);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// From where on is read to reach a cursor.
    fn begin(&mut self, upto: i64) -> i64 {
        if upto - self.upto > WIDEST_GAP {
            self.events.clear();
            (self.from, self.upto) = (upto, upto);
        }
        self.upto
    }

    fn add(&mut self, told: Vec<Told>, upto: i64) {
        self.events.extend(told);
        self.upto = upto;
        while self.events.front().is_some_and(|old| self.events.len() > MOST || old.read.elapsed() > KEPT_FOR) {
            self.from = self.events.pop_front().map_or(self.from, |old| old.cursor);
        }
    }

    fn between(&self, reach: &Reach, after: i64, upto: i64) -> Option<Vec<Told>> {
        if after < self.from || self.upto < upto {
            return None;
        }
        let begin = self.events.partition_point(|told| told.cursor <= after);
        let wanted = self.events.range(begin..).take_while(|told| told.cursor <= upto);
        Some(wanted.filter(|told| reach.covers(told.site, told.door)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(cursor: i64, door: DoorId) -> Told {
        Told { cursor, text: "{}".into(), site: SiteId::generate(), door, read: Instant::now() }
    }

    #[test]
    fn gives_what_is_within_reach_or_says_that_it_does_not_know() {
        let (here, there) = (DoorId::generate(), DoorId::generate());
        let mut kept = Kept { from: 10, upto: 10, events: VecDeque::new() };
        kept.add(vec![told(11, here), told(13, there), told(14, here)], 15);
        let of = |door| Reach::of([crate::domain::access::Scope::Door(door)]);
        let check = |reach: &Reach, after, upto, expected: Option<&[i64]>| {
            let found = kept.between(reach, after, upto);
            let cursors = found.map(|events| events.iter().map(|event| event.cursor).collect::<Vec<_>>());
            assert_eq!(cursors.as_deref(), expected, "{after} to {upto}");
        };
        check(&Reach::Everything, 10, 15, Some(&[11, 13, 14]));
        check(&of(here), 10, 15, Some(&[11, 14]));
        check(&of(there), 11, 15, Some(&[13]));
        check(&Reach::Everything, 13, 13, Some(&[]));
        check(&Reach::Everything, 11, 13, Some(&[13]));
        check(&Reach::Everything, 9, 15, None);
        check(&Reach::Everything, 15, 16, None);
    }

    #[test]
    fn what_it_lets_go_it_does_not_claim_to_know() {
        let door = DoorId::generate();
        let mut kept = Kept::default();
        let most = i64::try_from(MOST).unwrap();
        kept.add((1..=most + 10).map(|cursor| told(cursor, door)).collect(), most + 10);
        assert_eq!(kept.events.len(), MOST);
        assert!(kept.between(&Reach::Everything, 9, most).is_none());
        assert_eq!(kept.between(&Reach::Everything, 10, most + 10).unwrap().len(), MOST);
    }

    #[test]
    fn a_wide_gap_is_left_to_the_store() {
        let mut kept = Kept { from: 0, upto: 5, events: VecDeque::new() };
        assert_eq!(kept.begin(6), 5);
        assert_eq!(kept.begin(1_000_000), 1_000_000);
        assert!(kept.between(&Reach::Everything, 5, 1_000_000).is_none());
        assert!(kept.between(&Reach::Everything, 1_000_000, 1_000_000).unwrap().is_empty());
    }
}
