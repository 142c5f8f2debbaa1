//! Counts that figures are made of. They name nobody, but for [`FigureStore::most_seen`].

use async_trait::async_trait;
use ostiary_common::ids::{DoorId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::access::Reach;
use crate::domain::analytics::VisitCount;

/// Where and when.
#[derive(Clone, Debug)]
pub struct Span {
    /// At doors within.
    pub reach: Reach,
    /// At doors of this site.
    pub site: Option<SiteId>,
    /// At this door.
    pub door: Option<DoorId>,
    /// From here on.
    pub from: UnixMillis,
    /// Before.
    pub until: UnixMillis,
}

/// A count by day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// Days since 1970.
    pub day: i64,
    /// Of what.
    pub name: String,
    /// How many, or how large.
    pub count: u64,
}

/// Keeps counts.
#[async_trait]
pub trait FigureStore: Send + Sync {
    /// Counts events that were not counted yet, up to `limit`; `false` once there are no more.
    async fn count_visits(&self, limit: u32) -> Result<bool, StoreError>;
    /// Visits by step, door and kind.
    async fn visits(&self, span: &Span) -> Result<Vec<VisitCount>, StoreError>;
    /// Decisions by bucket.
    async fn decisions(&self, span: &Span) -> Result<Vec<(usize, u64)>, StoreError>;
    /// Adds to counts of use: what, name, how often.
    async fn add_usage(&self, day: i64, counts: &[(&'static str, String, u64)]) -> Result<(), StoreError>;
    /// Counts of use, by day and name.
    async fn usage(&self, what: &str, from_day: i64, until_day: i64) -> Result<Vec<DayCount>, StoreError>;
    /// Measures the store, once a day.
    async fn sample_storage(&self, day: i64) -> Result<(), StoreError>;
    /// How large it was.
    async fn storage(&self, from_day: i64, until_day: i64) -> Result<Vec<DayCount>, StoreError>;
    /// Who was seen on the most days, the most first.
    async fn most_seen(&self, span: &Span, limit: u32) -> Result<Vec<(PersonId, u64)>, StoreError>;
}
