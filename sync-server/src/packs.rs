//! Model packs, from the archive that is uploaded to the doors that use it.
//!
//! [`install`] takes an archive in: signature, files, everything `pack check` looks at. [`files`] has the packs of the
//! store at hand as folders, [`mod@bench`] the models of one more than the one in force, as long as they are used. [`work`]
//! makes a pack's templates of kept pictures, as a job, and compares it ([`compare`]); [`keeper`] keeps its templates
//! complete from then on. Which doors use which is the store's ([`crate::ports::model_packs`]); what a pack may come to
//! is [`crate::domain::model_pack`]. Why it is so: `docs/adr/0033-model-packs-rolled-out.md`.

pub mod bench;
pub mod compare;
pub mod files;
pub mod install;
pub mod keeper;
pub mod keys;
pub mod served;
pub mod work;

use std::sync::Arc;

use ostiary_common::ids::PackId;

use self::bench::PackBench;
use self::install::Installer;
use self::served::ServedPacks;
use crate::ports::model_packs::ModelPackStore;

/// What the API uses of packs.
pub struct Packs {
    /// What is known of them.
    pub store: Arc<dyn ModelPackStore>,
    /// Takes archives in.
    pub installer: Installer,
    /// Models beside those in force.
    pub bench: Arc<PackBench>,
    /// Packs whose templates devices are given.
    pub served: ServedPacks,
    /// The pack this server itself works with since it started.
    pub own: PackId,
}
