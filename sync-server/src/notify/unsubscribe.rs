//! Links in messages that end them with one click (RFC 8058), for one account and one rule, or all of what is told
//! without a rule. The signature makes them; they open nothing and show nothing, so they do not end.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostiary_common::ids::UserId;
use uuid::Uuid;

use super::form::PreferencesForm;
use crate::domain::notify::RuleId;
use crate::sealing::DerivedKey;

/// The path links lead to.
pub const PATH: &str = "/api/v1/unsubscribe";
/// What the key is derived for.
pub const PURPOSE: &str = "unsubscribe";

/// The path and query of a link.
#[must_use]
pub fn link(key: &DerivedKey, account: UserId, rule: Option<RuleId>) -> String {
    let rule = rule.map_or(Uuid::nil(), |rule| rule.0);
    let signature = URL_SAFE_NO_PAD.encode(key.sign(&message(account, rule)));
    format!("{PATH}?account={account}&rule={rule}&signature={signature}")
}

/// Whether a link is one of ours.
#[must_use]
pub fn is_ours(key: &DerivedKey, account: UserId, rule: Uuid, signature: &str) -> bool {
    let signature = URL_SAFE_NO_PAD.decode(signature);
    signature.is_ok_and(|signature| key.is_signed(&message(account, rule), &signature))
}

/// Wishes after a link was followed.
pub fn follow(wishes: &mut PreferencesForm, rule: Uuid) {
    if rule.is_nil() {
        wishes.email = false;
    } else if !wishes.muted_rules.contains(&rule) {
        wishes.muted_rules.push(rule);
    }
}

fn message(account: UserId, rule: Uuid) -> Vec<u8> {
    format!("unsubscribe\n{account}\n{rule}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::RootKey;

    #[test]
    fn a_link_ends_what_it_says_for_whom_it_says() {
        let key = RootKey::from_bytes([3; 32]).derived(PURPOSE);
        let (account, rule) = (UserId::generate(), RuleId::generate());
        let text = link(&key, account, Some(rule));
        let signature = text.rsplit_once("signature=").unwrap().1;
        assert!(is_ours(&key, account, rule.0, signature));
        assert!(!is_ours(&key, UserId::generate(), rule.0, signature));
        assert!(!is_ours(&key, account, Uuid::nil(), signature));
        assert!(!is_ours(&key, account, rule.0, "ä"));
        let mut wishes = PreferencesForm::default();
        follow(&mut wishes, rule.0);
        follow(&mut wishes, rule.0);
        assert_eq!((wishes.email, wishes.muted_rules.len()), (true, 1));
        follow(&mut wishes, Uuid::nil());
        assert!(!wishes.email);
    }
}
