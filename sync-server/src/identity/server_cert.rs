//! The certificate the HTTPS API and the embedded broker show.

use std::path::Path;

use ostiary_common::time::UnixMillis;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use serde::{Deserialize, Serialize};
use time::Duration;
use zeroize::Zeroizing;

use super::authority::{Authority, BACKDATED, instant, named};
use super::{IdentityError, files};

const LIFE: Duration = Duration::days(397);
const RENEW_WITH_LESS_THAN: Duration = Duration::days(30);

/// Certificate chain and key of the server, PEM.
#[derive(Clone)]
pub struct ServerCertificate {
    /// The server's certificate, then the CA's, so that a device can check its pin of the CA.
    pub chain_pem: String,
    /// The key.
    pub key_pem: Zeroizing<String>,
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerCertificate(…)")
    }
}

/// What a certificate on disk was made for; beside it as `server.json`, so that no certificate must be parsed.
#[derive(Serialize, Deserialize, PartialEq)]
struct MadeFor {
    names: Vec<String>,
    ca_sha256: String,
    ends_at_unix: i64,
}

/// Reads the certificate from `dir`, or makes one there if there is none, it is for other names, of another
/// CA, or has less than 30 days left.
///
/// # Errors
/// [`IdentityError`] if files cannot be read or written or a name cannot stand in a certificate.
pub fn open(
    dir: &Path,
    authority: &Authority,
    names: &[String],
    now: UnixMillis,
) -> Result<ServerCertificate, IdentityError> {
    let names = all_names(names);
    if let Some(there) = read(dir, authority, &names, now)? {
        return Ok(there);
    }
    let key = KeyPair::generate().map_err(IdentityError::make("server key"))?;
    let ends = instant(now) + LIFE;
    let mut params = CertificateParams::new(names.clone()).map_err(IdentityError::make("server certificate"))?;
    params.distinguished_name = named("Ostiary server");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = instant(now) - BACKDATED;
    params.not_after = ends;
    let certificate = params.signed_by(&key, authority.issuer()).map_err(IdentityError::make("server certificate"))?;
    let chain_pem = format!("{}{}", certificate.pem(), authority.certificate_pem());
    let ca_sha256 = authority.certificate_sha256().to_owned();
    let made_for = MadeFor { names, ca_sha256, ends_at_unix: ends.unix_timestamp() };
    let key_pem = Zeroizing::new(key.serialize_pem());
    files::write_secret(&dir.join("server.key"), &key_pem)?;
    files::write_public(&dir.join("server.pem"), &chain_pem)?;
    files::write_public(&dir.join("server.json"), &serde_json::to_string(&made_for).expect("plain JSON"))?;
    Ok(ServerCertificate { chain_pem, key_pem })
}

fn read(
    dir: &Path,
    authority: &Authority,
    names: &[String],
    now: UnixMillis,
) -> Result<Option<ServerCertificate>, IdentityError> {
    let (Some(key), Some(chain_pem), Some(made_for)) = (
        files::read(&dir.join("server.key"))?,
        files::read(&dir.join("server.pem"))?,
        files::read(&dir.join("server.json"))?,
    ) else {
        return Ok(None);
    };
    let Ok(made_for) = serde_json::from_str::<MadeFor>(&made_for) else { return Ok(None) };
    let keeps = made_for.ends_at_unix > (instant(now) + RENEW_WITH_LESS_THAN).unix_timestamp();
    let fits = made_for.names == names && made_for.ca_sha256 == authority.certificate_sha256();
    Ok((keeps && fits).then_some(ServerCertificate { chain_pem, key_pem: Zeroizing::new(key) }))
}

/// The configured names, and those by which the machine reaches itself.
fn all_names(configured: &[String]) -> Vec<String> {
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut names: Vec<String> = configured.iter().cloned().chain(own).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
    const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

    #[test]
    fn is_renewed_for_new_names_and_before_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path(), NOW).unwrap();
        let open = |names: &[&str], days: u32| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            open(dir.path(), &authority, &names, NOW.plus(DAY * days)).unwrap().chain_pem
        };
        let first = open(&["door.example"], 0);
        assert_eq!(open(&["door.example"], 366), first);
        let renewed = open(&["door.example"], 368);
        assert_ne!(renewed, first);
        assert_eq!(open(&["door.example"], 368), renewed);
        assert_ne!(open(&["door.example", "10.0.0.7"], 368), renewed);
    }
}
