//! Who this device is: the claim that gives it its identity, the files that keep it, and the tokens that
//! prove it.

mod api;
mod assertion;
mod certificate;
mod claim;
mod files;
mod leapt;
mod renewer;
mod tls;
mod tokens;

pub use api::ApiError;
pub use certificate::certificate_end;
pub use claim::{ClaimOrder, Trust, claim};
#[cfg(test)]
pub use files::Secrets;
pub use files::{Identity, IdentityError, IdentityFiles};
pub use renewer::{FIRST_RENEWAL, Renewer};
pub use tls::{TlsError, TlsTime, check_tls, mqtt_client_config};
pub use tokens::TokenKeeper;
