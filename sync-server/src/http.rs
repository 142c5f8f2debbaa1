//! The HTTP API: `/api/v1`, health, metrics; and the [`panel`], pages over it.
//!
//! [`router()`] lists every route. A route is a file under [`v1`]: its input, its answer, its handler. Every
//! refusal is a [`problem`] (RFC 9457).

pub mod access;
mod answer;
pub mod api;
pub mod auth;
mod body;
pub mod cookies;
pub mod cors;
pub mod counted;
pub mod cursor;
mod describe;
pub mod etag;
pub mod extract;
pub mod forwarded;
pub mod headers;
pub mod health;
pub mod layers;
pub mod limits;
pub mod links;
pub mod notices;
pub mod once;
pub mod paging;
pub mod panel;
pub mod problem;
pub mod request_id;
pub mod router;
pub mod rules;
pub mod serve;
mod unread;
pub mod v1;
pub mod within;

pub use api::{Api, ApiParts};
pub use router::{openapi, router};
