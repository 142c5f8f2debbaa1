//! Model packs and the code that runs them: find faces, align, judge their quality, embed, search, decide.
//!
//! Start reading at [`engine`], which strings the steps together; then [`pack`], which says what a pack is.
//! Everything but [`engine`] and [`pack`] is pure arithmetic and runs no network. The word list is in
//! `docs/`; how the default pack was made is in `models/packs/ostiary-default/MODEL.md`.

pub mod pack;

pub mod frame;
pub mod geometry;
pub mod photo;

pub mod align;
pub mod detect;
pub mod liveness;
pub mod quality;

pub mod choose;
pub mod guided;
pub mod motion;
pub mod shots;

pub mod face_crop;

pub mod embed;
pub mod grouping;
pub mod search;

pub mod decide;

pub mod calibration;
pub mod metrics;

pub mod engine;
pub mod measure;

mod fused;
mod inference;
mod layout;
mod resample;
