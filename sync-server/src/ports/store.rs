//! Everything a store does, as one object to hand around.

use super::{
    AuditStore, CommandStore, ConsentStore, DeviceStore, ErasureStore, EventStore, GalleryKeyStore, GalleryStore,
    IdempotencyStore, JudgementStore, LedgerStore, MendingStore, PersonStore, PlaceStore, ProfileStore, PruneStore,
    RecognitionStore, ScopeStore, SettingsStore, UnknownStore,
};

/// Everything the store does, as one object to hand around.
pub trait Store:
    DeviceStore
    + RecognitionStore
    + PersonStore
    + ConsentStore
    + GalleryStore
    + ScopeStore
    + GalleryKeyStore
    + ErasureStore
    + EventStore
    + AuditStore
    + LedgerStore
    + PruneStore
    + IdempotencyStore
    + PlaceStore
    + ProfileStore
    + SettingsStore
    + UnknownStore
    + MendingStore
    + JudgementStore
    + CommandStore
{
}

impl<T> Store for T where
    T: DeviceStore
        + RecognitionStore
        + PersonStore
        + ConsentStore
        + GalleryStore
        + ScopeStore
        + GalleryKeyStore
        + ErasureStore
        + EventStore
        + AuditStore
        + LedgerStore
        + PruneStore
        + IdempotencyStore
        + PlaceStore
        + ProfileStore
        + SettingsStore
        + UnknownStore
        + MendingStore
        + JudgementStore
        + CommandStore
{
}
