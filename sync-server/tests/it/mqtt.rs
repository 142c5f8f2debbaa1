//! The embedded broker and the link, with real MQTT clients over TLS.

mod broker;
mod client;
mod external;
mod fake_contract;
mod fake_faces;
mod fake_store;
mod link;
mod proofs;
mod world;
