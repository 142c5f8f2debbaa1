//! Accounts of people: seen as far as they may something within the caller's reach, changed by who may all they may.

pub mod grants;
pub mod item;
pub mod list;
pub mod recovery;
pub mod sessions;
pub mod state;
pub mod view;
