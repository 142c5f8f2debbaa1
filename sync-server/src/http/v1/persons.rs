//! Persons, their photos and templates.

pub mod clips;
pub mod create;
pub mod delete;
pub mod detail;
pub mod doors;
pub mod expiry;
pub mod export;
pub mod history;
pub mod list;
pub mod lookalikes;
pub mod merge;
pub mod photo_batch;
pub(in crate::http) mod photo_body;
pub(in crate::http::v1) mod photo_view;
pub mod photos;
pub mod read;
pub mod sync;
pub mod templates;
pub mod terms;
pub mod update;
pub mod view;
