//! Groups: persons who have something in common, by which doors say who may be known there.

pub mod create;
pub mod item;
pub mod list;
pub mod members;
