//! What follows from how strict recognition is to be.

pub mod outlook;
pub mod preview;
pub mod values;
