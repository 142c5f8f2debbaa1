//! Settings of the whole installation.

pub mod consent_text;
pub mod conversations;
pub mod face_crops;
pub mod general;
pub mod notifications;
pub mod person_fields;
pub mod recognition;
pub mod retention;
pub mod unknowns;
