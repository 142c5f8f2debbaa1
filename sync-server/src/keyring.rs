//! Where master keys come from: a file of the server's or of the admin's, the environment, a systemd credential.
//!
//! Another place, such as a key management service, is one more [`MasterKeySource`] here and one more arm in [`of`]: its
//! `read` has the service open a key that lies beside the configuration, sealed by the service. Nothing else changes,
//! since whatever is wrapped is wrapped by keys in memory.

mod given;
mod key_file;

use std::sync::Arc;

pub use self::given::Given;
pub use self::key_file::KeyFile;
use crate::config::MasterKeyPlace;
use crate::ports::rotation::MasterKeySource;

/// The source for a configured place.
#[must_use]
pub fn of(place: MasterKeyPlace) -> Arc<dyn MasterKeySource> {
    match place {
        MasterKeyPlace::Configured(path) => Arc::new(KeyFile::of_the_admin(path)),
        MasterKeyPlace::OwnFile(path) => Arc::new(KeyFile::own(path)),
        MasterKeyPlace::Credential(path) => Arc::new(Given::credential(path)),
        MasterKeyPlace::Environment => Arc::new(Given::environment()),
    }
}
