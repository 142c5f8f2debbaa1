//! How long conversations are kept, by site.

use std::time::Duration;

use garde::Validate;
use ostiary_common::ids::SiteId;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ports::talk::{OldThreads, TalkStore};
use crate::ports::{SettingsStore, StoreError};

/// The document's name in the store.
pub const NAME: &str = "conversations";
/// Removed by one transaction: others write between two.
const AT_ONCE: u32 = 200;
/// Between two transactions others write.
const PAUSE: Duration = Duration::from_millis(20);
/// What is due is counted up to here: beyond, it only matters that it is much.
const MOST_COUNTED: u32 = 100_000;

/// How long conversations of a site are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SiteTalk {
    /// The site.
    #[garde(skip)]
    pub site: Uuid,
    /// Days after the last word, 1 to 3650.
    #[garde(range(min = 1, max = 3650))]
    pub keep_days: u32,
}

/// How long conversations are kept after the last word. Those held are kept however old they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct ConversationSettings {
    /// Days, where nothing else is said of the site, 1 to 3650.
    #[garde(range(min = 1, max = 3650))]
    pub keep_days: u32,
    /// Sites with days of their own.
    #[garde(length(max = 1000), dive)]
    pub sites: Vec<SiteTalk>,
}

impl Default for ConversationSettings {
    fn default() -> Self {
        Self { keep_days: 90, sites: Vec::new() }
    }
}

/// What is set, and its version.
///
/// # Errors
/// [`StoreError`].
pub async fn load(store: &dyn SettingsStore) -> Result<(ConversationSettings, u64), StoreError> {
    let Some(set) = store.setting(NAME).await? else { return Ok((ConversationSettings::default(), 0)) };
    let corrupt = |e: serde_json::Error| StoreError::Corrupt { what: "conversation settings", reason: e.to_string() };
    Ok((serde_json::from_str(&set.value).map_err(corrupt)?, set.version))
}

impl ConversationSettings {
    /// The sites with days of their own.
    fn own(&self) -> Vec<SiteId> {
        self.sites.iter().map(|site| SiteId(site.site)).collect()
    }

    /// What is old by now, site by site, and where nothing else is said.
    fn old<'a>(&'a self, own: &'a [SiteId], now: UnixMillis) -> impl Iterator<Item = OldThreads<'a>> {
        let sites = self.sites.iter().map(|site| (Some(SiteId(site.site)), site.keep_days));
        sites.chain([(None, self.keep_days)]).map(move |(site, days)| {
            let kept = Duration::from_secs(u64::from(days) * 24 * 3600);
            let before = UnixMillis(now.0 - i64::try_from(kept.as_millis()).unwrap_or(i64::MAX));
            OldThreads { site, but: own, before }
        })
    }
}

/// Removes conversations that were kept for long enough.
///
/// # Errors
/// [`StoreError`]; what was removed by then stays removed.
pub async fn sweep(store: &dyn TalkStore, set: &ConversationSettings, now: UnixMillis) -> Result<u64, StoreError> {
    let (own, mut gone) = (set.own(), 0);
    for old in set.old(&own, now) {
        loop {
            let removed = store.prune_threads(&old, AT_ONCE).await?;
            gone += removed;
            if removed < u64::from(AT_ONCE) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(gone)
}

/// How many there are of those, counted up to a bound.
///
/// # Errors
/// [`StoreError`].
pub async fn due(store: &dyn TalkStore, set: &ConversationSettings, now: UnixMillis) -> Result<u64, StoreError> {
    let (own, mut due) = (set.own(), 0);
    for old in set.old(&own, now) {
        due += store.old_threads(&old, MOST_COUNTED).await?;
    }
    Ok(due.min(u64::from(MOST_COUNTED)))
}
