//! What devices send, with the bounds of each value: the types themselves are those of the wire, which know no rules.

use garde::{Path, Report, Validate};
use ostiary_common::identity::{ClaimRequest, NonceRequest, TokenRequest};
use serde::Deserialize;

/// A signed assertion, as tokens go.
const MOST_TOKEN_BYTES: usize = 8 * 1024;
/// A key or a signing request in PEM.
const MOST_PEM_BYTES: usize = 16 * 1024;
/// A code as somebody types it, with dashes and blanks.
const MOST_CODE_BYTES: usize = 200;
/// What a board says of itself; longer words of older programs are cut where they are written down.
const MOST_WORDS_BYTES: usize = 4 * 1024;

/// Who asks for a nonce; an id can be read or is none.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Asking(pub NonceRequest);

/// A claim.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Claim(pub ClaimRequest);

/// A renewal of a token.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Renewal(pub TokenRequest);

impl Validate for Asking {
    type Context = ();
    fn validate_into(&self, (): &(), _parent: &mut dyn FnMut() -> Path, _report: &mut Report) {}
}

impl Validate for Claim {
    type Context = ();
    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let ClaimRequest { code, public_key_pem, csr_pem, hardware, version } = &self.0;
        for (name, text, most) in [
            ("code", code, MOST_CODE_BYTES),
            ("public_key_pem", public_key_pem, MOST_PEM_BYTES),
            ("csr_pem", csr_pem, MOST_PEM_BYTES),
            ("hardware", hardware, MOST_WORDS_BYTES),
            ("version", version, MOST_WORDS_BYTES),
        ] {
            bounded(name, text, most, parent, report);
        }
    }
}

impl Validate for Renewal {
    type Context = ();
    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        bounded("assertion", &self.0.assertion, MOST_TOKEN_BYTES, parent, report);
        if let Some(csr) = &self.0.csr_pem {
            bounded("csr_pem", csr, MOST_PEM_BYTES, parent, report);
        }
    }
}

fn bounded(name: &str, text: &str, most: usize, parent: &mut dyn FnMut() -> Path, report: &mut Report) {
    if text.len() > most {
        report.append(parent().join(name), garde::Error::new(format!("at most {most} bytes, not {}", text.len())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_value_is_too_long() {
        let check = |field: &str, length: usize, expected: &[&str]| {
            let mut claim = serde_json::json!({
                "code": "ABCD-EFGH", "public_key_pem": "", "csr_pem": "", "hardware": "board", "version": "1.0.0",
            });
            claim[field] = "x".repeat(length).into();
            let claim: Claim = serde_json::from_value(claim).unwrap();
            let report = claim.validate().err().unwrap_or_else(Report::new);
            assert_eq!(
                report.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(),
                expected,
                "{field} {length}"
            );
        };
        check("code", MOST_CODE_BYTES, &[]);
        check("code", MOST_CODE_BYTES + 1, &["code"]);
        check("csr_pem", MOST_PEM_BYTES + 1, &["csr_pem"]);
        check("hardware", MOST_WORDS_BYTES + 1, &["hardware"]);
    }
}
