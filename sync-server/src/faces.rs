//! Faces beyond enrollment: visits of nobody known are put together ([`grouper`]), and a face is looked for among persons
//! and among such visits ([`search`]). Matches that come near to a face their person was mistaken for are
//! doubted ([`doubts`]). What both need of past visits is held in memory ([`held`]); how long visits are
//! kept is a setting ([`keeping`]).

pub mod doubts;
pub mod grouper;
pub mod held;
pub mod keeping;
pub mod plan;
pub mod search;
