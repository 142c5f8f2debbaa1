//! The device's certificate, for brokers that know only mTLS: when a new one is due, and the request for it.

use ostiary_common::ids::SiteId;
use ostiary_common::time::UnixMillis;
use rcgen::{CertificateParams, DnType, KeyPair};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::pem::parse_x509_pem;

/// A request for a certificate over `key`, PEM. The server takes nothing of it but the key.
///
/// # Errors
/// If the key cannot sign.
pub fn request(key: &KeyPair) -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "ostiary device");
    params.serialize_request(key)?.pem()
}

/// Whether a new certificate is due at `now`: less than a third of its life is left, another CA signs now, it names
/// another site than the device belongs to, or it cannot be read.
pub fn is_due(certificate_pem: &str, ca_pem: &str, site: SiteId, now: UnixMillis) -> bool {
    let parsed = (parse_x509_pem(certificate_pem.as_bytes()), parse_x509_pem(ca_pem.as_bytes()));
    let (Ok((_, own)), Ok((_, ca))) = parsed else { return true };
    let (Ok(own), Ok(ca)) = (own.parse_x509(), ca.parse_x509()) else { return true };
    is_old(&own, now) || !is_signed_by(&own, &ca) || !names(&own, site)
}

/// When the certificate ends; `None` if it cannot be read.
#[must_use]
pub fn certificate_end(certificate_pem: &str) -> Option<UnixMillis> {
    let (_, pem) = parse_x509_pem(certificate_pem.as_bytes()).ok()?;
    Some(UnixMillis(pem.parse_x509().ok()?.validity().not_after.timestamp().saturating_mul(1000)))
}

fn is_old(certificate: &X509Certificate<'_>, now: UnixMillis) -> bool {
    let (from, to) = (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    let left_s = to.saturating_sub(now.0.div_euclid(1000));
    left_s < to.saturating_sub(from) / 3
}

/// By name and by key, as far as the certificate says by which key it was signed. No signature is checked: that is
/// the broker's to do, and a wrong answer costs one request.
fn is_signed_by(certificate: &X509Certificate<'_>, ca: &X509Certificate<'_>) -> bool {
    let same_key = match (authority_key(certificate), subject_key(ca)) {
        (Some(signer), Some(key)) => signer == key,
        _ => true,
    };
    certificate.issuer().as_raw() == ca.subject().as_raw() && same_key
}

fn authority_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(signer) => signer.key_identifier.as_ref().map(|id| id.0),
        _ => None,
    })
}

fn subject_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    })
}

fn names(certificate: &X509Certificate<'_>, site: SiteId) -> bool {
    let site = site.to_string();
    certificate.subject().iter_organizational_unit().any(|unit| unit.as_str().is_ok_and(|unit| unit == site))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertifiedIssuer, IsCa};

    const DAY_S: i64 = 86_400;

    fn ca() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// A certificate valid from 1 January 2027 for 300 days, less or more.
    fn certificate(ca: &CertifiedIssuer<'static, KeyPair>, site: SiteId) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationalUnitName, site.to_string());
        params.use_authority_key_identifier_extension = true;
        params.not_before = rcgen::date_time_ymd(2027, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 10, 28);
        params.signed_by(&KeyPair::generate().unwrap(), ca).unwrap().pem()
    }

    #[test]
    fn due_in_its_last_third_for_another_site_and_under_another_ca() {
        let (own, other, site) = (ca(), ca(), SiteId::generate());
        let pem = certificate(&own, site);
        let check = |pem: &str, ca: &CertifiedIssuer<'static, KeyPair>, site, day: i64, expected: bool| {
            let begin_s = rcgen::date_time_ymd(2027, 1, 1).unix_timestamp();
            let now = UnixMillis((begin_s + day * DAY_S) * 1000);
            assert_eq!(is_due(pem, &ca.pem(), site, now), expected, "day {day}");
        };
        check(&pem, &own, site, 0, false);
        check(&pem, &own, site, 199, false);
        check(&pem, &own, site, 201, true);
        check(&pem, &own, site, 400, true);
        check(&pem, &other, site, 0, true);
        check(&pem, &own, SiteId::generate(), 0, true);
        check("", &own, site, 0, true);
        check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &own, site, 0, true);
    }
}
