//! Links to pictures that need no header, for pages and mails: signed, for one account, for a while.
//!
//! A link says what it opens, for whom, and until when; the signature covers all of it. It is no token: it opens nothing
//! else, and it opens nothing once the account may no longer see it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use garde::Validate;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::api::Api;
use super::problem::ApiError;
use crate::domain::access::{Permission, Reach};
use crate::domain::account::State;
use crate::sealing::DerivedKey;

/// How long a link opens what it is for, seconds.
pub const LIFE_S: u64 = 600;

/// What a link says beside its path.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Signed {
    /// For whom it was made.
    #[garde(skip)]
    account: Uuid,
    /// Until when, Unix seconds.
    #[garde(skip)]
    expires: u64,
    /// The server's signature.
    #[garde(length(max = 100))]
    #[param(max_length = 100)]
    signature: String,
}

impl Signed {
    /// Whom and what the account of a link to `path` may reach with `permission` today: it may have lost its roles since
    /// the link was made, or be gone.
    ///
    /// # Errors
    /// [`ApiError::NotAllowed`] if the link is not good, or not any more.
    pub async fn reach(&self, api: &Api, path: &str, permission: Permission) -> Result<Reach, ApiError> {
        let refused = || ApiError::NotAllowed("this link is not good, or not any more; ask for another".into());
        let link = Link { path, account: UserId(self.account), expires: self.expires };
        if !link.is_good(&self.signature, &api.links, api.now()) {
            return Err(refused());
        }
        let account = api.accounts.book.account(link.account).await?.filter(|account| account.state == State::Active);
        Ok(account.ok_or_else(refused)?.access.reach(permission))
    }

    /// For how many seconds it is still good.
    pub fn left_s(&self, now: UnixMillis) -> u64 {
        self.expires.saturating_sub(now.as_unix_seconds())
    }
}

/// A link taken apart.
#[derive(Clone, Debug)]
pub struct Link<'a> {
    /// The path it opens.
    pub path: &'a str,
    /// For whom.
    pub account: UserId,
    /// Until when, Unix seconds.
    pub expires: u64,
}

impl Link<'_> {
    /// The link as a client is given it, from the root of the server.
    pub fn sign(&self, key: &DerivedKey) -> String {
        let signature = URL_SAFE_NO_PAD.encode(key.sign(&self.message()));
        format!("{}?account={}&expires={}&signature={signature}", self.path, self.account, self.expires)
    }

    /// Whether the signature is ours and the time is not over.
    pub fn is_good(&self, signature: &str, key: &DerivedKey, now: UnixMillis) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        key.is_signed(&self.message(), &signature) && now.as_unix_seconds() < self.expires
    }

    fn message(&self) -> Vec<u8> {
        format!("{}\n{}\n{}", self.account, self.expires, self.path).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::RootKey;

    #[test]
    fn a_link_opens_what_it_says_for_whom_it_says_while_it_says() {
        let key = RootKey::from_bytes([5; 32]).derived("links");
        let account = UserId::generate();
        let link = Link { path: "/api/v1/media/events/1/crop", account, expires: 1000 };
        let text = link.sign(&key);
        let signature = text.rsplit_once("signature=").unwrap().1;
        let check = |link: &Link<'_>, signature: &str, at_s: i64, expected: bool| {
            assert_eq!(link.is_good(signature, &key, UnixMillis(at_s * 1000)), expected, "{link:?} at {at_s}");
        };
        check(&link, signature, 999, true);
        check(&link, signature, 1000, false);
        check(&Link { expires: 2000, ..link.clone() }, signature, 999, false);
        check(&Link { account: UserId::generate(), ..link.clone() }, signature, 999, false);
        check(&Link { path: "/api/v1/media/events/2/crop", ..link.clone() }, signature, 999, false);
        check(&link, &signature[1..], 999, false);
        check(&link, "ä", 999, false);
        let other = RootKey::from_bytes([6; 32]).derived("links");
        assert!(!link.is_good(signature, &other, UnixMillis(0)));
    }
}
