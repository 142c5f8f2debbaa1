//! How the server is, part by part.

pub mod read;
