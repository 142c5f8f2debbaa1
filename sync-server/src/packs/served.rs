//! Packs whose templates devices are given, as every server of the store knows them.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ostiary_common::ids::PackId;

/// Shared by whoever answers devices and whoever learns of changes.
#[derive(Clone, Debug, Default)]
pub struct ServedPacks(Arc<ArcSwap<BTreeSet<PackId>>>);

impl ServedPacks {
    /// These from now on.
    pub fn set(&self, packs: BTreeSet<PackId>) {
        self.0.store(Arc::new(packs));
    }

    /// Whether devices are given templates of this pack.
    pub fn contains(&self, pack: &PackId) -> bool {
        self.0.load().contains(pack)
    }
}
