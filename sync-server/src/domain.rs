//! What the server knows, in its own types. Reads no clock, file or socket; nothing here is `Serialize`:
//! `http`, `store` and the wire own their formats.

pub mod access;
pub mod account;
pub mod analytics;
pub mod audit;
pub mod consent;
pub mod coverage;
pub mod device;
pub mod device_life;
pub mod enrollment;
pub mod erasure;
pub mod event;
pub mod fault;
pub mod fields;
pub mod gallery;
pub mod health;
pub mod import;
pub mod installation;
pub mod job;
pub mod judgement;
pub mod mending;
pub mod model_pack;
pub mod name;
pub mod notify;
pub mod person;
pub mod place;
pub mod placing;
pub mod profile;
pub mod publishing;
pub mod recognition;
pub mod replica;
pub mod retention;
pub mod sequence;
pub mod talk;
pub mod throttle;
pub mod unknown;
