//! Visitors nobody knows.

pub mod by_hand;
pub mod list;
pub mod promote;
pub mod read;
mod view;
