//! Who is who: the server's own CA and keys, device and user tokens, passwords, claim codes.
//!
//! A service over [`ports`](crate::ports): it uses the store and the clock, and `http` and `broker` use it.
//! Start reading at [`devices`] (claim and renewal) and [`tokens`].

pub mod assertion;
pub mod audit_seal;
pub mod authority;
pub mod broker_files;
pub mod claim_code;
pub mod current_cert;
pub mod device_auth;
pub mod devices;
pub mod files;
pub mod holding;
pub mod nonce;
pub mod password;
pub mod public_cert;
pub mod reading;
pub mod receipt;
pub mod revocations;
pub mod server_cert;
pub mod shared;
pub mod shown_cert;
pub mod signing;
pub mod tokens;

use std::path::PathBuf;

/// Why the server's identity could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file could not be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// `read`, `write`, …
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key or certificate is not what it should be.
    #[error("{what} in {} is not usable: {reason}", path.display())]
    Unusable {
        /// What was expected.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A certificate or key could not be made.
    #[error("cannot make {what}: {reason}")]
    Make {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
}

impl IdentityError {
    fn make(what: &'static str) -> impl Fn(rcgen::Error) -> Self {
        move |e| Self::Make { what, reason: e.to_string() }
    }
}
