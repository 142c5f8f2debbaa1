//! Persons, their photos and templates.

pub mod create;
pub mod delete;
pub mod doors;
pub mod expiry;
pub mod list;
pub mod lookalikes;
mod photo_body;
mod photo_view;
pub mod photos;
pub mod read;
pub mod sync;
pub mod templates;
pub mod terms;
pub mod view;
