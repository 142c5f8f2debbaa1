//! Conversations: found by what was said ([`search`]), and ended when they are old ([`settings`]).

pub mod search;
pub mod settings;
