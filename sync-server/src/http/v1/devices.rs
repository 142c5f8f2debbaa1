//! Devices, as an admin sees them.

pub mod claim_code;
pub mod commands;
pub mod configure;
pub mod create;
pub mod door;
pub mod gallery;
pub mod list;
pub mod read;
pub mod rename;
pub mod replace;
pub mod revoke;
pub mod view;
