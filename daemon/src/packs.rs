//! Model packs a device was sent: which one it runs ([`choice`]), how it gets another ([`fetch`], [`admit`]), and how the
//! parts that know of it talk to each other ([`porting`]). `app/porter` strings it together.
//!
//! A pack that was never run is on trial until it has run well for a while; if it does not come up, the one before it is
//! run again, and it is not tried a second time.

pub mod admit;
pub mod choice;
pub mod fetch;
pub mod porting;

use std::path::{Path, PathBuf};

use ostiary_common::ids::PackId;

/// Below the state directory.
pub const FOLDER: &str = "packs";

/// Where a pack that was sent lies.
#[must_use]
pub fn dir_of(state_dir: &Path, id: &PackId) -> PathBuf {
    state_dir.join(FOLDER).join(id.as_str())
}
