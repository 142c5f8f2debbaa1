//! The rules in force, as the store has them.

use crate::domain::access::Scope;
use crate::domain::notify::{Preferences, Rule, WebhookId};
use crate::ports::StoreError;
use crate::ports::notify::{RuleStore, StoredRule};

use super::form::{PreferencesForm, RuleForm};

/// Rules and webhooks, read at one moment.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    /// Every rule that can be read, with when it was last changed.
    pub rules: Vec<(Rule, ostiary_common::time::UnixMillis)>,
    /// The webhooks in use, and what may be told there.
    pub webhooks: Vec<(WebhookId, Scope)>,
}

/// What a stored rule says.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn read(stored: &StoredRule) -> Result<Rule, StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt { what: "notification rule", reason };
    let form: RuleForm = serde_json::from_str(&stored.form).map_err(|e| corrupt(e.to_string()))?;
    form.rule(stored.id).map_err(|e| corrupt(e.to_string()))
}

/// What somebody wishes; of what cannot be read any more, the defaults.
///
/// # Errors
/// [`StoreError`].
pub async fn preferences(
    store: &dyn RuleStore,
    account: ostiary_common::ids::UserId,
) -> Result<Preferences, StoreError> {
    let Some(stored) = store.wishes(account).await? else { return Ok(Preferences::default()) };
    let form: PreferencesForm = serde_json::from_str(&stored.value).unwrap_or_default();
    Ok(Preferences::try_from(&form).unwrap_or_default())
}

impl Rulebook {
    /// Reads everything. A rule that cannot be read is told of and left out: the others must go on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(store: &dyn RuleStore) -> Result<Self, StoreError> {
        let mut rules = Vec::new();
        for stored in store.rules().await? {
            match read(&stored) {
                Ok(rule) if rule.enabled => rules.push((rule, stored.changed_at)),
                Ok(_) => {}
                Err(error) => tracing::error!(%error, rule.id = %stored.id, "a notification rule is left out: {error}"),
            }
        }
        let webhooks = store.webhooks().await?.into_iter().filter(|webhook| webhook.enabled);
        Ok(Self { rules, webhooks: webhooks.map(|webhook| (webhook.id, webhook.place)).collect() })
    }
}
