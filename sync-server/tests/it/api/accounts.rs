//! Accounts through the API: who comes in, how, and what ends it.

mod cookies;
mod factor;
mod invite;
mod mail;
mod services;
mod sessions;
pub mod smtp;
mod timing;
