//! API keys of services.

use std::time::Duration;

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use zeroize::Zeroizing;

use super::secrets::{self, Kind, random};
use super::{Accounts, AccountsError};
use crate::domain::access::Permission;
use crate::domain::account::ApiKeyId;
use crate::domain::account::service_key::{self, NewApiKey};

/// A key that was made.
pub struct KeyMade {
    /// Id.
    pub id: ApiKeyId,
    /// The key; shown once.
    pub text: Zeroizing<String>,
    /// When it ends.
    pub expires_at: UnixMillis,
}

impl Accounts {
    /// Makes a key of a service, for `life`, which is cut to the longest allowed.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn make_key(
        &self,
        service: UserId,
        name: String,
        permissions: Option<Vec<Permission>>,
        life: Duration,
    ) -> Result<KeyMade, AccountsError> {
        let text = service_key::text(*random::<32>()?);
        let now = self.now();
        let (id, expires_at) = (ApiKeyId::generate(), now.plus(life.min(self.rules.api_key_life())));
        let key = NewApiKey {
            id,
            account: service,
            key_hash: secrets::hash(Kind::ApiKey, &text),
            hint: service_key::hint(&text).to_owned(),
            name,
            permissions,
            created_at: now,
            expires_at,
        };
        self.book.add_api_key(&key).await?;
        Ok(KeyMade { id, text, expires_at })
    }
}
