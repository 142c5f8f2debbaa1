//! `ostiaryd`: face recognition on the camera at the door.
//!
//! Rooms, each knowing only those to its right: [`cli`] -> `app` -> adapters (`source`, `pipeline`, `cache`,
//! `mqtt`, `identity`) -> `ports` -> `domain`. Start reading at `app`, which wires everything, then `domain`.

pub mod cli;

mod app;
mod cache;
mod clock;
pub mod config;
mod convert;
mod domain;
mod drill;
mod guiding;
mod health;
mod identity;
mod mqtt;
mod packs;
mod pipeline;
mod ports;
mod recorder;
mod selftest;
mod shared;
mod source;
pub mod sync;
mod telemetry;
#[cfg(test)]
mod testing;
