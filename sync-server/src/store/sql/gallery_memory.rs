//! What is remembered of the gallery between questions. Everything here belongs to a revision and is used at no
//! other, so that changes by another process are seen like our own.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostiary_common::ids::{DeviceId, PackId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{GalleryWalk, Revision};

use super::scopes::{DeviceScope, Head};
use crate::domain::gallery::book::GalleryBook;
use crate::domain::gallery::walk::{GalleryPage, size_bytes};
use crate::domain::gallery::{GalleryTruth, Scope};

/// Pages kept: after a change, devices ask from a few revisions and in a few scopes.
const MOST_PAGES: usize = 32;
/// Bytes of one page that is kept. Larger ones are parts of long walks, which devices do not take in step.
const MOST_PAGE_BYTES: usize = 256 * 1024;
/// The clock will change nothing.
const NEVER: UnixMillis = UnixMillis(i64::MAX);

/// The gallery at its last revisions.
#[derive(Default)]
pub(super) struct GalleryMemory {
    /// The sums of each pack. Held while they are brought up to date, so that thousands who ask at once wait for one.
    pub(super) books: tokio::sync::Mutex<HashMap<PackId, GalleryBook>>,
    scopes: Mutex<Scopes>,
    pages: Mutex<Pages>,
    flips: Mutex<Flips>,
}

/// When the clock changes who may be known.
struct Flips {
    /// Nothing happens before; `None` if that is not known.
    at: Option<UnixMillis>,
    /// Who may be known was judged by this time; before it, the clock was set back.
    judged_at: UnixMillis,
    /// Rises with every change of when that is.
    written: u64,
}

impl Default for Flips {
    fn default() -> Self {
        Self { at: None, judged_at: UnixMillis(i64::MIN), written: 0 }
    }
}

/// Devices' scopes as of the last change of any.
#[derive(Default)]
struct Scopes {
    at: Revision,
    devices: HashMap<DeviceId, DeviceScope>,
}

/// The last pages read.
#[derive(Default)]
struct Pages {
    at: Revision,
    kept: VecDeque<(PageKey, Arc<GalleryPage>)>,
}

/// What a page depends on beside the revision.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PageKey {
    pub(super) pack: PackId,
    pub(super) scope: Scope,
    pub(super) walk: GalleryWalk,
    pub(super) most_bytes: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl GalleryMemory {
    /// A device's scope, if it is known as of `head`.
    pub(super) fn scope(&self, head: Head, device: DeviceId) -> Option<DeviceScope> {
        let scopes = lock(&self.scopes);
        scopes.devices.get(&device).filter(|_| scopes.at == head.scopes).cloned()
    }

    /// Remembers a device's scope as read at `head`.
    pub(super) fn keep_scope(&self, head: Head, device: DeviceId, scope: &DeviceScope) {
        let mut scopes = lock(&self.scopes);
        if scopes.at != head.scopes {
            *scopes = Scopes { at: head.scopes, devices: HashMap::new() };
        }
        scopes.devices.insert(device, scope.clone());
    }

    /// What a scope must hold, if the sums are at this revision.
    pub(super) fn truth(&self, head: Head, pack: &PackId, of: &DeviceScope) -> Option<GalleryTruth> {
        let mut books = self.books.try_lock().ok()?;
        let book = books.get_mut(pack).filter(|book| book.rev() == head.rev)?;
        Some(book.truth(&of.scope, of.since))
    }

    /// A page read before at this revision.
    pub(super) fn page(&self, rev: Revision, key: &PageKey) -> Option<Arc<GalleryPage>> {
        let pages = lock(&self.pages);
        let found = pages.kept.iter().find(|(kept, _)| kept == key).filter(|_| pages.at == rev);
        found.map(|(_, page)| page.clone())
    }

    /// Remembers a page.
    pub(super) fn keep_page(&self, key: PageKey, page: &Arc<GalleryPage>) {
        if page.persons.iter().map(size_bytes).sum::<usize>() > MOST_PAGE_BYTES {
            return;
        }
        let mut pages = lock(&self.pages);
        if pages.at != page.to_rev {
            *pages = Pages { at: page.to_rev, kept: VecDeque::new() };
        }
        pages.kept.truncate(MOST_PAGES - 1);
        pages.kept.push_front((key, page.clone()));
    }

    /// Whether the clock may have changed something by now.
    pub(super) fn flip_is_due(&self, now: UnixMillis) -> bool {
        let flips = lock(&self.flips);
        now < flips.judged_at || flips.at.is_none_or(|at| at <= now)
    }

    /// The clock will change something that was just written, as judged by `now`.
    pub(super) fn expect_flip(&self, at: Option<UnixMillis>, now: UnixMillis) {
        let mut flips = lock(&self.flips);
        flips.written += 1;
        flips.at = flips.at.min(Some(at.unwrap_or(NEVER)));
        flips.judged_at = flips.judged_at.max(now);
    }

    /// How many such changes were written; to be read before what [`Self::clock_seen`] is told.
    pub(super) fn flips_written(&self) -> u64 {
        lock(&self.flips).written
    }

    /// By which time persons were judged and what the clock changes next, as read from the store. If something was
    /// written since, it tells only how far the clock was at least.
    pub(super) fn clock_seen(&self, written: u64, judged_at: UnixMillis, next: Option<UnixMillis>) {
        let mut flips = lock(&self.flips);
        if flips.written == written {
            (flips.at, flips.judged_at) = (Some(next.unwrap_or(NEVER)), judged_at);
        } else {
            flips.judged_at = flips.judged_at.max(judged_at);
        }
    }
}
