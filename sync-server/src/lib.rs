//! `ostiary-server`: the central store, device sync, broker and API of Ostiary.
//!
//! Start reading at [`app`], the one place that wires; then [`ports`], what the parts ask of each other, and
//! [`domain`], what the server knows. [`identity`], [`accounts`], [`recognition`], [`enroll`], [`jobs`], [`imports`],
//! [`backup`], [`eraser`], [`faces`], [`ledger`] and [`names`] are services over the
//! ports. [`store`],
//! [`broker`], [`hub`], [`link`], [`mail`] and [`http`] are adapters: they use ports and services, and never import each other.

pub mod domain;
pub mod ports;

pub mod store;

pub mod identity;

pub mod accounts;

// What several adapters have in common: refusals told to the audit log, keys that seal at rest, passwords of programs.
pub mod refusals;
pub mod sealing;
pub mod secret;

pub mod keyring;

pub mod live;
pub mod throttle;

pub mod broker;
pub mod capture;
pub mod clip;
pub mod hub;
pub mod link;
pub mod mail;
pub mod poster;

pub mod backup;
pub mod enroll;
pub mod eraser;
pub mod faces;
pub mod health;
pub mod imports;
pub mod jobs;
pub mod ledger;
pub mod names;
pub mod notify;
pub mod packs;
pub mod recognition;
pub mod replicas;
pub mod retainer;
pub mod rotation;
pub mod talk;
pub mod usage;

pub mod http;

pub mod app;
pub mod cli;
pub mod config;
pub mod telemetry;
