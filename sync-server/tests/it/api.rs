//! The whole server over TLS, with everything real but the models.

mod devices;
mod enroll;
mod events;
mod problems;
mod reader;
mod world;
