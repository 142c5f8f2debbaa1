//! Consents of a person: recorded, listed, withdrawn.

pub mod body;
pub mod list;
pub mod record;
pub mod view;
pub mod withdraw;
