//! The whole server over TLS, with everything real but the models.

mod accounts;
mod accuracy;
mod analytics;
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
mod notices;
mod panel;
mod privacy;
mod problems;
pub mod reader;
mod recognition;
mod stream;
mod talk;
mod unknowns;
pub mod world;
