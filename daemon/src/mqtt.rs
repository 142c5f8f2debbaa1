//! The connection to the server by way of the broker (MQTT 5, rumqttc over rustls).
//!
//! [`driver`] gives the conversation's core ([`crate::sync`]) what it needs and touches no socket; [`connection`] is one life of a connection;
//! [`keeper`] keeps a connection up, with tokens and back-off. Start reading at [`keeper`].

mod connection;
mod driver;
mod keeper;
mod resting;
mod session;

#[cfg(test)]
mod driver_tests;

pub use driver::{Driver, DriverParts, Wish};
pub use keeper::{Reach, Signals, keep};
pub use resting::Resting;
