//! The store: one story for every database, and what must never happen to events.

mod atomic;
mod ingest;
pub mod sample;
mod story;
