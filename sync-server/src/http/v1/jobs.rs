//! Jobs: work that goes on after the answer.

pub mod control;
pub mod items;
pub mod list;
pub mod live;
pub mod read;
pub mod view;
