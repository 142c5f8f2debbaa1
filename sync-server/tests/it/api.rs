//! The whole server over TLS, with everything real but the models.

mod accounts;
mod analytics;
mod bad_inputs;
mod calibrated;
mod captures;
mod consent;
mod contract;
mod devices;
mod docs;
mod edge;
mod enroll;
mod erasures;
pub mod events;
mod groups;
mod imports;
mod jobs;
mod notices;
mod panel;
mod pictures;
mod privacy;
mod problems;
pub mod reader;
mod recognition;
mod stream;
mod talk;
pub mod world;
