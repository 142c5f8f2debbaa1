//! What Ostiary's daemon and server agree on, and nothing else: ids, time, wire messages, topics,
//! token claims and sealing. Pure: no runtime, no network, no database, no model.
//!
//! Start reading at [`wire`], then [`topics`]; `docs/wire.md` tells the same story in prose.

pub mod claims;
pub mod codec;
pub mod digest;

pub mod envelope;
pub mod home_assistant;
pub mod identity;
pub mod ids;
pub mod seal;
pub mod time;
pub mod topics;
pub mod wire;
