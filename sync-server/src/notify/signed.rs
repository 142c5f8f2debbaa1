//! Signatures of what is sent to webhooks, as the "Standard Webhooks" specification says, for which receivers find
//! libraries: `webhook-id` is the same for each try, `webhook-timestamp` is when this try was made, and
//! `webhook-signature` covers both and the body. A receiver refuses what is old and what it had before.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ostiary_common::time::UnixMillis;

/// Bytes of a secret.
pub const SECRET_BYTES: usize = 32;
/// What a secret begins with where people see it.
const PREFIX: &str = "whsec_";

/// A secret as its receiver is given it.
#[must_use]
pub fn shown(secret: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret))
}

/// The headers of a try.
#[must_use]
pub fn headers(secret: &[u8], id: &str, now: UnixMillis, body: &[u8]) -> Vec<(&'static str, String)> {
    let timestamp = now.as_unix_seconds().to_string();
    let signature = format!("v1,{}", STANDARD.encode(sign(secret, id, &timestamp, body)));
    vec![("webhook-id", id.to_owned()), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
}

fn sign(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_specification_does() {
        // The example of the specification's libraries.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let found = headers(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", UnixMillis(1_614_265_330_000), body);
        assert_eq!(found[1].1, "1614265330");
        assert_eq!(found[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(shown(&secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }
}
