//! Events by time, and how many there were.

use ostiary_common::time::UnixMillis;

use super::SqlStore;
use super::events::{EventRow, SELECT};
use super::statement::Statement;
use crate::domain::access::Reach;
use crate::domain::event::{EventFilter, EventKind, EventPosition, EventTally, StoredEvent, TimePage};
use crate::ports::StoreError;

/// The step times are counted by in the database: every time zone is a whole number of them away from UTC.
const STEP_MS: i64 = 15 * 60 * 1000;

#[derive(sqlx::FromRow)]
struct TallyRow {
    step: i64,
    kind: String,
    count: i64,
}

/// A site or a door: the column, and the id.
type Place = (&'static str, Vec<u8>);

impl SqlStore {
    /// A page is read place by place and kind by kind, each by its index: one door's few events are found among many, and
    /// of two kinds not all are put in order for the sake of a page.
    pub(super) async fn list_by_time(
        &self,
        reach: &Reach,
        filter: &EventFilter,
        page: TimePage,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let places = places(reach).map_or_else(|| vec![None], |places| places.into_iter().map(Some).collect());
        let filters = kind_by_kind(filter);
        let mut events = Vec::new();
        for place in &places {
            for filter in &filters {
                events.extend(self.list_at(place.clone(), filter, page, limit).await?);
            }
        }
        events.sort_unstable_by_key(|event| (event.at, event.cursor));
        // A door may be within by itself and by its site.
        events.dedup_by_key(|event| event.cursor);
        if let TimePage::Older(_) = page {
            events.reverse();
        }
        events.truncate(limit as usize);
        Ok(events)
    }

    async fn list_at(
        &self,
        place: Option<Place>,
        filter: &EventFilter,
        page: TimePage,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let (begin, filter) = begin(page, filter);
        let (compare, order) = match page {
            TimePage::Older(_) => ("<", " ORDER BY e.at DESC, e.cursor DESC"),
            TimePage::Newer(_) => (">", " ORDER BY e.at, e.cursor"),
        };
        let mut query = Statement::new(SELECT);
        query.push(" WHERE (e.at, e.cursor) ").push(compare).push(" (").bind(begin.at.0);
        query.push(", ").bind(begin.cursor).push(")");
        if let Some((column, id)) = place {
            query.push(" AND ").push(column).push(" = ").bind(id);
        }
        narrow(&mut query, &filter);
        query.push(order).limit(limit);
        let rows: Vec<EventRow> = query.query_as().fetch_all(&self.read).await?;
        self.open_events(rows).await
    }

    pub(super) async fn tally(&self, reach: &Reach, filter: &EventFilter) -> Result<Vec<EventTally>, StoreError> {
        // The step is written into the statement: engines group only by what they can see to be the same.
        let select = format!("SELECT e.at / {STEP_MS} AS step, e.kind, count(*) AS count FROM events e WHERE 1 = 1");
        let mut query = Statement::new(&select);
        narrow(&mut query, filter);
        for (number, (column, id)) in places(reach).into_iter().flatten().enumerate() {
            query.push(if number == 0 { " AND (" } else { " OR " }).push(column).push(" = ").bind(id);
        }
        match reach {
            Reach::Everything => {}
            reach if reach.is_nothing() => drop(query.push(" AND 1 = 0")),
            Reach::Within { .. } => drop(query.push(")")),
        }
        query.push(&format!(" GROUP BY e.at / {STEP_MS}, e.kind ORDER BY step"));
        let rows: Vec<TallyRow> = query.query_as().fetch_all(&self.read).await?;
        let tally = |row: TallyRow| EventTally {
            at: UnixMillis(row.step * STEP_MS),
            kind: EventKind::parse(&row.kind).unwrap_or(EventKind::Other),
            count: u64::try_from(row.count).unwrap_or(0),
        };
        Ok(rows.into_iter().map(tally).collect())
    }
}

/// The places of a reach; `None` if it is everything.
fn places(reach: &Reach) -> Option<Vec<Place>> {
    let Reach::Within { sites, doors } = reach else { return None };
    let sites = sites.iter().map(|site| ("e.site", site.as_bytes().to_vec()));
    Some(sites.chain(doors.iter().map(|door| ("e.door", door.as_bytes().to_vec()))).collect())
}

/// Where a page begins, the filter's time taken into account, and what is left of the filter. With two bounds on the same side
/// an index is entered by one of them, and what lies between is read for nothing.
fn begin(page: TimePage, filter: &EventFilter) -> (EventPosition, EventFilter) {
    let before_all = |at| EventPosition { at, cursor: i64::MIN };
    match page {
        TimePage::Older(from) => {
            let from = from.unwrap_or(EventPosition::END);
            let begin = filter.until.map_or(from, |until| from.min(before_all(until)));
            (begin, EventFilter { until: None, ..filter.clone() })
        }
        TimePage::Newer(from) => {
            let begin = filter.from.map_or(from, |time| from.max(before_all(time)));
            (begin, EventFilter { from: None, ..filter.clone() })
        }
    }
}

/// A filter for each kind that is asked for, which together find the same.
fn kind_by_kind(filter: &EventFilter) -> Vec<EventFilter> {
    match filter.kinds.as_slice() {
        [] | [_] => vec![filter.clone()],
        kinds => kinds.iter().map(|kind| EventFilter { kinds: vec![*kind], ..filter.clone() }).collect(),
    }
}

/// Adds what a filter asks for to a statement that has a `WHERE` already.
pub(super) fn narrow(query: &mut Statement, filter: &EventFilter) {
    let ids = [
        ("e.device", filter.device.map(|id| id.as_bytes().to_vec())),
        ("e.site", filter.site.map(|id| id.as_bytes().to_vec())),
        ("e.door", filter.door.map(|id| id.as_bytes().to_vec())),
        ("e.person", filter.person.map(|id| id.as_bytes().to_vec())),
    ];
    for (column, id) in ids {
        if let Some(id) = id {
            query.push(" AND ").push(column).push(" = ").bind(id);
        }
    }
    if let Some(unknown) = filter.unknown {
        query.push(" AND e.cursor IN (SELECT s.cursor FROM unknown_visits s WHERE s.visitor = ");
        query.bind(unknown.as_bytes().to_vec()).push(")");
    }
    if !filter.kinds.is_empty() {
        query.push(" AND e.kind IN ").words(filter.kinds.iter().map(|kind| kind.as_str()));
    }
    for (compare, time) in [(">=", filter.from), ("<", filter.until)] {
        if let Some(time) = time {
            query.push(" AND e.at ").push(compare).push(" ").bind(time.0);
        }
    }
    for (compare, score) in [(">=", filter.score_from), ("<=", filter.score_to)] {
        if let Some(score) = score {
            query.push(" AND e.score ").push(compare).push(" ").bind(score);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_at_the_nearer_of_its_place_and_its_time() {
        let at = |at, cursor| EventPosition { at: UnixMillis(at), cursor };
        let filter = EventFilter { from: Some(UnixMillis(10)), until: Some(UnixMillis(20)), ..EventFilter::default() };
        let older = |place| begin(TimePage::Older(place), &filter);
        assert_eq!(older(None).0, at(20, i64::MIN));
        assert_eq!(older(Some(at(20, 5))).0, at(20, i64::MIN));
        assert_eq!(older(Some(at(15, 5))).0, at(15, 5));
        let left = older(None).1;
        assert_eq!((left.from, left.until), (filter.from, None));
        let newer = |place| begin(TimePage::Newer(place), &filter);
        assert_eq!(newer(at(3, 5)).0, at(10, i64::MIN));
        assert_eq!(newer(at(10, 5)).0, at(10, 5));
        let left = newer(at(3, 5)).1;
        assert_eq!((left.from, left.until), (None, filter.until));
        assert_eq!(begin(TimePage::Older(None), &EventFilter::default()).0, EventPosition::END);
    }
}
