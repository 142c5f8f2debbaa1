//! The panel: pages for people, served by the server itself.
//!
//! A page is a shell, rendered here for who is signed in (`shell`, `templates/`), and ES modules that fill it through
//! the public API (`assets/`). The panel has no door of its own: what a page shows, `/api/v1` has answered to the same
//! session. [`pages`] lists every page and what it needs; nothing of a page is fetched from elsewhere.

mod assets;
mod error_page;
mod nav;
mod outside;
pub mod pages;
mod routes;
mod shell;
mod visitor;

pub use routes::{missing, routes};
