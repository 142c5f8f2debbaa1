//! The server's parts together, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod api;
mod edge;
mod monitoring;
mod mqtt;
mod openapi;
mod reports;
mod store;
mod tokens;
