//! The MQTT broker inside the server.
//!
//! It only carries, authenticates and keeps everyone to their topics; what messages mean is decided by
//! [`link`](crate::link), to which it hands over what devices say, and for which it speaks. With `[broker] mode = "external"`
//! none of this runs, and the link connects to somebody else's broker instead.
//!
//! ```text
//! device -> front (TLS, a CONNECT in time) -> RMQTT on loopback -> gate (who, what) -> RMQTT delivers
//! ```
//!
//! Start reading at [`embedded::start`]; the rules of who may do what are in [`acl`].

pub mod acl;

pub mod credentials;
pub mod embedded;
pub mod outside;

mod connect;
mod fitter;
mod front;
mod gate;
mod rate;
mod retain;
mod running;
mod sessions;
mod voice;

/// MQTT user name of the server's own client.
pub const LINK_USER: &str = "ostiary-server-link";
/// MQTT user name of the read-only monitor.
pub const MONITOR_USER: &str = "monitor";
