//! The store: one story for every database, and what must never happen to events.

mod atomic;
mod erasure;
mod ingest;
mod ledger;
mod life;
pub mod sample;
mod scopes;
mod sealed;
mod story;
mod walk;
