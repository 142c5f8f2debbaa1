//! What stands in a certificate: when it ends, and for which names it is.

use ostiary_common::time::UnixMillis;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// What is needed of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Before this moment nobody believes it.
    pub begins_at: UnixMillis,
    /// After this moment nobody believes it.
    pub ends_at: UnixMillis,
    /// Its DNS names, lower case; one may begin with `*.`.
    pub names: Vec<String>,
}

/// Reads the first certificate of a chain; nothing if it is none.
#[must_use]
pub fn of_der(der: &CertificateDer<'_>) -> Option<Reading> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let at = |time: x509_parser::time::ASN1Time| UnixMillis(time.timestamp().saturating_mul(1000));
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.into_iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let (begins_at, ends_at) = (at(certificate.validity().not_before), at(certificate.validity().not_after));
    Some(Reading { begins_at, ends_at, names: names.collect() })
}

/// The same of PEM.
#[must_use]
pub fn of_pem(pem: &str) -> Option<Reading> {
    of_der(&CertificateDer::from_pem_slice(pem.as_bytes()).ok()?)
}

impl Reading {
    /// Whether it is for a name; `*.` stands for one label.
    #[must_use]
    pub fn is_for(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let rest = name.split_once('.').map(|(_, rest)| rest);
        let fits = |own: &String| *own == name || (own.strip_prefix("*.").is_some() && own.strip_prefix("*.") == rest);
        self.names.iter().any(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        let names = vec!["door.example".to_owned(), "*.panel.example".to_owned()];
        let reading = Reading { begins_at: UnixMillis(0), ends_at: UnixMillis(1), names };
        let check = |name: &str, expected: bool| assert_eq!(reading.is_for(name), expected, "{name}");
        check("door.example", true);
        check("Door.Example", true);
        check("x.door.example", false);
        check("a.panel.example", true);
        check("a.b.panel.example", false);
        check("panel.example", false);
        check("example", false);
        check("", false);
    }
}
