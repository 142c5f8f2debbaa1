//! Certificates for a broker outside that knows nobody but by certificate, all of the server's own CA: the broker's, the
//! servers', a monitor's. Devices got theirs when they were claimed.

use ostiary_common::time::UnixMillis;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use time::Duration;
use zeroize::Zeroizing;

use super::IdentityError;
use super::authority::{Authority, BACKDATED, instant, named};

/// A broker's certificate is renewed by the command that made it.
const LIFE: Duration = Duration::days(825);

/// The common name of servers, by which the broker's rules know them.
pub const SERVER_NAME: &str = "ostiary-server";
/// The common name of who may read what is told to people, and nothing else.
pub const MONITOR_NAME: &str = "ostiary-monitor";

/// A certificate with its CA, and its key, in PEM.
pub struct Pair {
    /// The chain.
    pub chain_pem: String,
    /// The key.
    pub key_pem: Zeroizing<String>,
}

/// The certificate a broker shows under these host names and addresses.
///
/// # Errors
/// [`IdentityError::Make`] if a name is none.
pub fn for_broker(authority: &Authority, names: &[String], now: UnixMillis) -> Result<Pair, IdentityError> {
    let params = CertificateParams::new(names.to_vec()).map_err(IdentityError::make("broker certificate"))?;
    signed(authority, params, ("Ostiary broker", ExtendedKeyUsagePurpose::ServerAuth), now)
}

/// The certificate by which somebody shows himself to a broker.
///
/// # Errors
/// [`IdentityError::Make`].
pub fn for_client(authority: &Authority, name: &str, now: UnixMillis) -> Result<Pair, IdentityError> {
    signed(authority, CertificateParams::default(), (name, ExtendedKeyUsagePurpose::ClientAuth), now)
}

fn signed(
    authority: &Authority,
    mut params: CertificateParams,
    (name, usage): (&str, ExtendedKeyUsagePurpose),
    now: UnixMillis,
) -> Result<Pair, IdentityError> {
    let key = KeyPair::generate().map_err(IdentityError::make("key for a broker"))?;
    params.distinguished_name = named(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params.not_before = instant(now) - BACKDATED;
    params.not_after = instant(now) + LIFE;
    let made = params.signed_by(&key, authority.issuer()).map_err(IdentityError::make("certificate for a broker"))?;
    let chain_pem = format!("{}{}", made.pem(), authority.certificate_pem());
    Ok(Pair { chain_pem, key_pem: Zeroizing::new(key.serialize_pem()) })
}
