//! Who is told of what: rules, notices, messages under way. Each trait of [`ports::notify`](crate::ports::notify) has its
//! file; `rows` knows the tables.

mod centre;
mod herald;
mod outbox;
mod rows;
mod rules;
mod step;

pub(super) use herald::{position, put_position};
