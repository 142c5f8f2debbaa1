//! The server's own certificate authority: signs its server certificate and devices' client certificates.

use std::path::Path;

use ostiary_common::ids::{DeviceId, SiteId};
use ostiary_common::time::UnixMillis;
use rand::Rng;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertificateSigningRequestParams,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PublicKeyData, RevokedCertParams, SerialNumber, SubjectPublicKeyInfo,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use super::{IdentityError, files};
use crate::domain::device_life::{CertificateSerial, RevokedCertificate};

/// The CA's key, in its folder.
pub(super) const KEY_FILE: &str = "ca.key";
/// The CA's certificate, in its folder.
pub(super) const CERTIFICATE_FILE: &str = "ca.pem";
/// A CA outlives boards: changing it means visiting every door.
const CA_LIFE: Duration = Duration::days(20 * 365);
/// A device's client certificate; a revoked device is refused by its token long before.
const DEVICE_LIFE: Duration = Duration::days(2 * 365);
/// How long a list of revoked certificates counts. It is written anew long before.
const LIST_LIFE: Duration = Duration::days(30);
/// Clocks of boards and servers differ; certificates count as valid from a day before they were made.
pub(super) const BACKDATED: Duration = Duration::days(1);

/// A certificate just signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The certificate, PEM.
    pub pem: String,
    /// Its serial number, by which it can be revoked.
    pub serial: CertificateSerial,
    /// Not valid from here on.
    pub ends_at: UnixMillis,
}

/// The certificate authority.
pub struct Authority {
    certificate_pem: String,
    certificate_sha256: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Reads the authority from `dir`, or makes one there.
    ///
    /// # Errors
    /// [`IdentityError`] if files cannot be read or written or hold something else.
    pub fn open(dir: &Path, now: UnixMillis) -> Result<Self, IdentityError> {
        let (key_path, certificate_path) = (dir.join(KEY_FILE), dir.join(CERTIFICATE_FILE));
        if let (Some(key), Some(certificate)) = (files::read(&key_path)?, files::read(&certificate_path)?) {
            return Self::from_pem(&key, certificate, &certificate_path);
        }
        let key = KeyPair::generate().map_err(IdentityError::make("CA key"))?;
        let certificate = params(now).self_signed(&key).map_err(IdentityError::make("CA certificate"))?.pem();
        files::write_secret(&key_path, &key.serialize_pem())?;
        files::write_public(&certificate_path, &certificate)?;
        Self::from_pem(&key.serialize_pem(), certificate, &certificate_path)
    }

    fn from_pem(key: &str, certificate_pem: String, path: &Path) -> Result<Self, IdentityError> {
        let unusable = |reason: String| IdentityError::Unusable { what: "the CA", path: path.to_owned(), reason };
        let key = KeyPair::from_pem(key).map_err(|e| unusable(e.to_string()))?;
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(|e| unusable(e.to_string()))?;
        let certificate_sha256 = hex::encode(Sha256::digest(&der));
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|e| unusable(e.to_string()))?;
        Ok(Self { certificate_pem, certificate_sha256, issuer })
    }

    /// The CA certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// SHA-256 of the CA certificate's DER, hexadecimal: what a device pins when it is claimed.
    pub fn certificate_sha256(&self) -> &str {
        &self.certificate_sha256
    }

    pub(super) const fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// Signs a device's client certificate. Only the key is taken from the request; every name and right in
    /// the certificate is ours.
    ///
    /// # Errors
    /// [`BadDeviceKey`] if the request is not one, is not signed by its key, or not by `public_key_pem`.
    pub fn sign_device(
        &self,
        csr_pem: &str,
        public_key_pem: &str,
        device: DeviceId,
        site: SiteId,
        now: UnixMillis,
    ) -> Result<Signed, BadDeviceKey> {
        let mut csr =
            CertificateSigningRequestParams::from_pem(csr_pem).map_err(|e| BadDeviceKey::Csr(e.to_string()))?;
        let key = ed25519_key(public_key_pem)?;
        if csr.public_key.der_bytes() != key.as_slice() {
            return Err(BadDeviceKey::OtherKey);
        }
        let serial = new_serial();
        csr.params = device_params(device, site, serial, now);
        let ends_at = UnixMillis(csr.params.not_after.unix_timestamp() * 1000);
        let pem = csr.signed_by(&self.issuer).map_err(|e| BadDeviceKey::Csr(e.to_string()))?.pem();
        Ok(Signed { pem, serial, ends_at })
    }

    /// The signed list of certificates that are no longer good (CRL, PEM).
    ///
    /// # Errors
    /// [`IdentityError::Make`] if it cannot be signed.
    pub fn revocation_list(&self, revoked: &[RevokedCertificate], now: UnixMillis) -> Result<String, IdentityError> {
        let entry = |certificate: &RevokedCertificate| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&certificate.serial.0),
            revocation_time: instant(certificate.at),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: instant(now) - BACKDATED,
            next_update: instant(now) + LIST_LIFE,
            // Rises with time, which is all that is asked of it.
            crl_number: SerialNumber::from(now.as_unix_seconds()),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let signed = list.signed_by(&self.issuer).and_then(|list| list.pem());
        signed.map_err(IdentityError::make("the list of revoked certificates"))
    }
}

/// Why a device's key or certificate request was refused.
#[derive(Debug, thiserror::Error)]
pub enum BadDeviceKey {
    /// Not an Ed25519 public key.
    #[error("`public_key_pem` must be an Ed25519 public key (SubjectPublicKeyInfo, PEM): {0}")]
    Key(String),
    /// Not a request, or not signed by its own key.
    #[error("`csr_pem` must be a certificate signing request (PEM) signed by its key: {0}")]
    Csr(String),
    /// Key and request do not belong together.
    #[error("`csr_pem` must be made with the key in `public_key_pem`")]
    OtherKey,
}

/// The 32 bytes of an Ed25519 public key.
pub(crate) fn ed25519_key(public_key_pem: &str) -> Result<[u8; 32], BadDeviceKey> {
    let key = SubjectPublicKeyInfo::from_pem(public_key_pem).map_err(|e| BadDeviceKey::Key(e.to_string()))?;
    if key.algorithm() != &rcgen::PKCS_ED25519 {
        return Err(BadDeviceKey::Key("the key is of another kind".into()));
    }
    key.der_bytes().try_into().map_err(|_| BadDeviceKey::Key("the key does not have 32 bytes".into()))
}

pub(super) fn instant(at: UnixMillis) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// 127 random bits: positive, never zero, never twice.
fn new_serial() -> CertificateSerial {
    let mut bytes: [u8; 16] = rand::rng().random();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    CertificateSerial(bytes)
}

fn params(now: UnixMillis) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Ostiary CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = instant(now) - BACKDATED;
    params.not_after = instant(now) + CA_LIFE;
    params
}

fn device_params(device: DeviceId, site: SiteId, serial: CertificateSerial, now: UnixMillis) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial.0));
    params.distinguished_name = named(&device.to_string());
    params.distinguished_name.push(DnType::OrganizationalUnitName, site.to_string());
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = instant(now) - BACKDATED;
    params.not_after = instant(now) + DEVICE_LIFE;
    params
}

pub(super) fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Ostiary");
    name.push(DnType::CommonName, common_name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn request(key: &KeyPair) -> String {
        let mut params = CertificateParams::new(vec!["server.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.serialize_request(key).unwrap().pem().unwrap()
    }

    fn ids() -> (DeviceId, SiteId) {
        (DeviceId::generate(), SiteId::generate())
    }

    #[test]
    fn is_the_same_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::open(dir.path(), NOW).unwrap();
        let again = Authority::open(dir.path(), NOW).unwrap();
        assert_eq!(first.certificate_sha256(), again.certificate_sha256());
        assert_eq!(first.certificate_sha256().len(), 64);
    }

    #[test]
    fn grants_a_device_nothing_it_asks_for() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path(), NOW).unwrap();
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let (device, site) = ids();
        let pem = authority.sign_device(&request(&key), &key.public_key_pem(), device, site, NOW).unwrap().pem;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        // The request asked to be a CA for a server's name; a plain search of the DER is enough to see that
        // the name is not there, and that ours is.
        let contains = |text: &str| der.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!contains("server.example"));
        assert!(contains(&device.to_string()));
    }

    #[test]
    fn the_list_of_revoked_certificates_names_them_and_is_signed_by_the_ca() {
        use x509_parser::prelude::FromDer;
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path(), NOW).unwrap();
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let (device, site) = ids();
        let signed = authority.sign_device(&request(&key), &key.public_key_pem(), device, site, NOW).unwrap();
        let certificate = CertificateDer::from_pem_slice(signed.pem.as_bytes()).unwrap();
        let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(&certificate).unwrap();
        assert_eq!(certificate.raw_serial(), signed.serial.0);
        assert_eq!(certificate.validity().not_after.timestamp() * 1000, signed.ends_at.0);
        let list = authority.revocation_list(&[RevokedCertificate { serial: signed.serial, at: NOW }], NOW).unwrap();
        let der = rustls_pki_types::CertificateRevocationListDer::from_pem_slice(list.as_bytes()).unwrap();
        let (_, list) = x509_parser::revocation_list::CertificateRevocationList::from_der(&der).unwrap();
        let named: Vec<_> = list.iter_revoked_certificates().map(|entry| entry.raw_serial().to_vec()).collect();
        assert_eq!(named, [signed.serial.0.to_vec()]);
        assert_eq!(list.issuer().as_raw(), certificate.issuer().as_raw());
    }

    #[test]
    fn refuses_keys_that_do_not_fit() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path(), NOW).unwrap();
        let (device, site) = ids();
        let ed = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let ec = KeyPair::generate().unwrap();
        let sign = |csr: &str, key: &str| authority.sign_device(csr, key, device, site, NOW).unwrap_err();
        assert!(matches!(sign(&request(&other), &ed.public_key_pem()), BadDeviceKey::OtherKey));
        assert!(matches!(sign(&request(&ec), &ec.public_key_pem()), BadDeviceKey::Key(_)));
        assert!(matches!(sign("no request", &ed.public_key_pem()), BadDeviceKey::Csr(_)));
        assert!(matches!(sign(&request(&ed), "no key"), BadDeviceKey::Key(_)));
    }
}
