//! The connection to the server by way of the broker (MQTT 5, rumqttc over rustls).
//!
//! [`driver`] knows what to say and touches no socket; [`connection`] is one life of a connection;
//! [`keeper`] keeps a connection up, with tokens and back-off. Start reading at [`keeper`].

mod connection;
mod driver;
mod inbound;
mod keeper;
mod outbound;
mod session;

#[cfg(test)]
mod driver_tests;

pub use driver::{Driver, DriverParts, Wish};
pub use keeper::{Reach, Signals, keep};
