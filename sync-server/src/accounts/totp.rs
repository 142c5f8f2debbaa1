//! The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost.
//!
//! SHA-1, six digits, thirty seconds, because that is what every app understands; one step of skew either way. A code
//! serves once: the store remembers the last step taken.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use super::secrets::random;
use super::{Accounts, AccountsError};
use crate::domain::account::Account;

/// 160 bits, as RFC 4226 asks for.
const SECRET_BYTES: usize = 20;
const DIGITS: u8 = 6;
const STEP_S: u64 = 30;
const SKEW_STEPS: u16 = 1;
/// Recovery codes given at a time.
const RECOVERY_CODES: usize = 10;
/// 80 bits each: not to be guessed, even by who has the database but not the master key.
const RECOVERY_BYTES: usize = 10;
/// Crockford's: nothing that is mistaken for something else.
const DIGITS_32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What the second step is proven by.
pub enum Proof {
    /// A code of the app.
    Code(Zeroizing<String>),
    /// A recovery code.
    Recovery(Zeroizing<String>),
}

/// A secret to be taken into an app.
pub struct Enrolling {
    /// Base 32, to be typed.
    pub secret: Zeroizing<String>,
    /// `otpauth://…`, to be shown as a QR code.
    pub url: Zeroizing<String>,
}

fn totp(secret: &[u8], account: &str) -> Option<Totp> {
    // A colon would end the name early.
    let name: String = account.chars().filter(|c| *c != ':').collect();
    let secret = totp_rs::Secret::new(secret.to_vec().into_boxed_slice());
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(DIGITS).with_step_duration(STEP_S);
    builder.with_skew(SKEW_STEPS).with_secret(secret).with_account_name(name).with_issuer(Some("Ostiary")).build().ok()
}

/// The time step a code is of, if it is a code of now.
pub fn step_of(secret: &[u8], code: &str, now: UnixMillis) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let is_code = code.len() == usize::from(DIGITS) && code.bytes().all(|b| b.is_ascii_digit());
    if is_code { totp(secret, "account")?.check(&code, now.as_unix_seconds()) } else { None }
}

/// A recovery code as it is kept: what people add or mistake in writing is undone.
pub fn folded(code: &str) -> String {
    let read = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        'u' => 'v',
        other => other,
    };
    code.chars().filter(char::is_ascii_alphanumeric).take(64).map(read).collect()
}

fn recovery_code() -> Result<String, AccountsError> {
    let bytes = random::<RECOVERY_BYTES>()?;
    let number = bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let digit = |at: u32| char::from(DIGITS_32[usize::try_from(number >> (5 * at) & 31).unwrap_or(0)]);
    let chars: Vec<char> = (0..16).map(digit).collect();
    Ok(chars.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

fn recovery_codes() -> Result<Vec<String>, AccountsError> {
    (0..RECOVERY_CODES).map(|_| recovery_code()).collect()
}

impl Accounts {
    /// Begins to set up a second factor; `None` if there is one already.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn enroll_totp(&self, account: &Account) -> Result<Option<Enrolling>, AccountsError> {
        let secret = random::<SECRET_BYTES>()?;
        if !self.book.put_second_factor(account.id, secret.as_ref(), self.now()).await? {
            return Ok(None);
        }
        let totp = totp(secret.as_ref(), account.login.as_str());
        let totp = totp.ok_or_else(|| AccountsError::Random("a second factor that cannot be made".into()))?;
        let url = totp.to_url().map_err(|e| AccountsError::Random(e.to_string()))?;
        Ok(Some(Enrolling { secret: Zeroizing::new(totp.secret().to_base32()), url: Zeroizing::new(url) }))
    }

    /// Ends setting it up with a first code, and gives recovery codes; `None` if the code is wrong.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn confirm_totp(&self, account: UserId, code: &str) -> Result<Option<Vec<String>>, AccountsError> {
        let now = self.now();
        let Some(factor) = self.book.second_factor(account).await?.filter(|factor| !factor.confirmed) else {
            return Ok(None);
        };
        let Some(step) = step_of(&factor.secret, code, now) else { return Ok(None) };
        let codes = recovery_codes()?;
        let kept: Vec<String> = codes.iter().map(|code| folded(code)).collect();
        let confirmed = self.book.confirm_second_factor(account, step, &kept, now).await?;
        Ok(confirmed.then_some(codes))
    }

    /// New recovery codes in place of the old.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn renew_recovery_codes(&self, account: UserId) -> Result<Vec<String>, AccountsError> {
        let codes = recovery_codes()?;
        let kept: Vec<String> = codes.iter().map(|code| folded(code)).collect();
        self.book.put_recovery_codes(account, &kept).await?;
        Ok(codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appendix D of RFC 4226 and appendix B of RFC 6238, the last six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        let check = |at_s: u64, code: &str, step: Option<u64>| {
            assert_eq!(step_of(secret, code, UnixMillis::from_unix_seconds(at_s)), step, "{code} at {at_s}");
        };
        check(59, "287082", Some(1));
        check(1_111_111_109, "081804", Some(37_037_036));
        check(1_234_567_890, "005924", Some(41_152_263));
        check(20_000_000_000, "353130", Some(666_666_666));
        check(59, "287 082", Some(1));
        check(59 + 30, "287082", Some(1));
        check(59 + 61, "287082", None);
        check(59, "287083", None);
        check(59, "28708", None);
        check(59, "", None);
        check(59, "\u{0661}87082", None);
    }

    #[test]
    fn recovery_codes_are_read_as_people_write_them() {
        let code = recovery_code().unwrap();
        assert_eq!((code.len(), code.matches('-').count()), (19, 3), "{code}");
        assert_eq!(folded(&code.to_uppercase().replace('-', " ")), folded(&code));
        assert_eq!(folded("OIl-u0"), "011v0");
        assert_ne!(recovery_code().unwrap(), code);
    }
}
