//! `/api/v1/notification-rules`: whom to tell of what.

pub mod create;
pub mod item;
pub mod list;
pub mod test;
mod view;
