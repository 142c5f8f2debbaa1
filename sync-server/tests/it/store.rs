//! The store: one story for every database, and what must never happen to events.

mod accounts;
mod atomic;
pub mod consent;
mod door_enrollments;
mod erasure;
mod indexes;
mod ingest;
mod ledger;
mod life;
mod moving;
mod names;
pub mod notify;
mod pace;
pub mod place;
mod pruning;
mod reach;
mod replicas;
mod retention;
mod rotation;
pub mod sample;
mod scopes;
mod sealed;
mod story;
mod texts;
mod turns;
mod upgrade;
mod walk;
