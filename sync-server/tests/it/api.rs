//! The whole server over TLS, with everything real but the models.

mod calibrated;
mod devices;
mod edge;
mod enroll;
mod erasures;
mod events;
mod groups;
mod problems;
mod reader;
mod recognition;
mod world;
