//! Where a page of events stands among its neighbours. Pure.

use ostiary_common::time::UnixMillis;

use crate::domain::event::{EventPosition, Page, StoredEvent, TimePage};

/// What a page is asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// By the time events happened.
    ByTime(TimePage),
    /// In the order they were stored.
    AsStored(Page),
}

/// What a cursor says: where a page begins, and in which direction and order it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    kind: i64,
    at: EventPosition,
}

/// Older than this position, by time.
const OLDER: i64 = 0;
/// Newer than this position, by time.
const NEWER: i64 = 1;
/// Stored before this cursor.
const BEFORE: i64 = 2;
/// Stored after this cursor.
const AFTER: i64 = 3;

/// A page and its neighbours.
pub(super) struct Cut<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub next: Option<Place>,
    /// Where the page before this one begins.
    pub previous: Option<Place>,
}

/// What has a place among events.
pub(super) trait Placed {
    /// Its place.
    fn place(&self) -> EventPosition;
}

impl Placed for StoredEvent {
    fn place(&self) -> EventPosition {
        EventPosition { at: self.at, cursor: self.cursor }
    }
}

impl Place {
    /// As cursors carry it.
    pub(super) const fn to_numbers(self) -> [i64; 3] {
        [self.kind, self.at.at.0, self.at.cursor]
    }

    /// Reads [`Place::to_numbers`].
    pub(super) fn from_numbers([kind, at, cursor]: [i64; 3]) -> Option<Self> {
        let at = EventPosition { at: UnixMillis(at), cursor };
        (OLDER..=AFTER).contains(&kind).then_some(Self { kind, at })
    }
}

impl From<Place> for Asked {
    fn from(Place { kind, at }: Place) -> Self {
        match kind {
            NEWER => Self::ByTime(TimePage::Newer(at)),
            BEFORE => Self::AsStored(Page::Before(Some(at.cursor))),
            AFTER => Self::AsStored(Page::After(at.cursor)),
            _ => Self::ByTime(TimePage::Older(Some(at))),
        }
    }
}

impl Asked {
    /// Cuts what was read, one more than `limit` if there is more, into the page.
    pub(super) fn page<T: Placed>(self, mut items: Vec<T>, limit: usize) -> Cut<T> {
        let more = items.len() > limit;
        items.truncate(limit);
        // A page of newer events is read from its older end, and shown like every other, the newest first.
        let turned = matches!(self, Self::ByTime(TimePage::Newer(_)));
        if turned {
            items.reverse();
        }
        let (on, back) = match self {
            Self::ByTime(_) => (OLDER, NEWER),
            Self::AsStored(Page::Before(_)) => (BEFORE, AFTER),
            Self::AsStored(Page::After(_)) => (AFTER, BEFORE),
        };
        let starts = matches!(self, Self::ByTime(TimePage::Older(None)) | Self::AsStored(Page::Before(None)));
        let (has_next, has_previous) = if turned { (true, more) } else { (more, !starts) };
        let place = |item: Option<&T>, kind| item.map(|item| Place { kind, at: item.place() });
        let next = place(items.last().filter(|_| has_next), on);
        let previous = place(items.first().filter(|_| has_previous), back);
        Cut { items, next, previous }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Placed for i64 {
        fn place(&self) -> EventPosition {
            // Several share a time, as events of one moment do.
            EventPosition { at: UnixMillis(self / 3), cursor: *self }
        }
    }

    /// What the store would give.
    fn read(all: i64, asked: Asked, limit: usize) -> Vec<i64> {
        let key = |n: &i64| (n / 3, *n);
        let mut items: Vec<i64> = (1..=all).collect();
        match asked {
            Asked::ByTime(TimePage::Older(from)) => {
                let from = from.unwrap_or(EventPosition::END);
                items.retain(|n| key(n) < (from.at.0, from.cursor));
                items.reverse();
            }
            Asked::ByTime(TimePage::Newer(from)) => items.retain(|n| key(n) > (from.at.0, from.cursor)),
            Asked::AsStored(Page::Before(before)) => {
                items.retain(|n| before.is_none_or(|before| *n < before));
                items.reverse();
            }
            Asked::AsStored(Page::After(after)) => items.retain(|n| *n > after),
        }
        items.truncate(limit);
        items
    }

    fn cut(all: i64, asked: Asked, limit: usize) -> Cut<i64> {
        asked.page(read(all, asked, limit + 1), limit)
    }

    proptest! {
        #[test]
        fn forth_and_back_shows_everything_once(all in 0_i64..40, limit in 1_usize..8, stored: bool) {
            let start = if stored { Asked::AsStored(Page::After(0)) } else { Asked::ByTime(TimePage::Older(None)) };
            let mut pages = vec![cut(all, start, limit)];
            while let Some(next) = pages.last().and_then(|page| page.next) {
                pages.push(cut(all, Place::from_numbers(next.to_numbers()).unwrap().into(), limit));
            }
            let mut seen: Vec<i64> = pages.iter().flat_map(|page| page.items.clone()).collect();
            if !stored {
                seen.reverse();
            }
            prop_assert_eq!(seen, (1..=all).collect::<Vec<_>>());
            if !stored {
                // And back again, page by page, to the first.
                for two in pages.windows(2).rev() {
                    let back = cut(all, two[1].previous.unwrap().into(), limit);
                    prop_assert_eq!(&back.items, &two[0].items);
                }
                prop_assert!(pages[0].previous.is_none());
            }
        }
    }
}
