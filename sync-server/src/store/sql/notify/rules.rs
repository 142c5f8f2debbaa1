//! Rules, webhooks, and what people wish.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::rows::{scope, scope_columns};
use crate::domain::access::Scope;
use crate::domain::audit::AuditNote;
use crate::domain::notify::{RuleId, WebhookId};
use crate::domain::recognition::{Change, Versioned};
use crate::ports::StoreError;
use crate::ports::notify::{RuleStore, StoredRule, Webhook};
use crate::sealing::DirectoryKey;
use crate::store::sql::again::again;
use crate::store::sql::error::{corrupt, on_insert};
use crate::store::sql::recognition::next_version;
use crate::store::sql::values::Flag;
use crate::store::sql::{SqlStore, columns, ledger};

#[derive(sqlx::FromRow)]
struct RuleRow {
    id: Vec<u8>,
    form: String,
    site: Option<Vec<u8>>,
    door: Option<Vec<u8>>,
    version: i64,
    created_at: i64,
    changed_at: i64,
}

impl TryFrom<RuleRow> for StoredRule {
    type Error = StoreError;
    fn try_from(row: RuleRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns::id(RuleId, &row.id)?,
            place: scope(row.site.as_ref(), row.door.as_ref())?,
            form: row.form,
            version: columns::unsigned("version", row.version)?,
            created_at: UnixMillis(row.created_at),
            changed_at: UnixMillis(row.changed_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct WebhookRow {
    id: Vec<u8>,
    name: String,
    url_sealed: Vec<u8>,
    secret_sealed: Vec<u8>,
    site: Option<Vec<u8>>,
    door: Option<Vec<u8>>,
    enabled: Flag,
    version: i64,
    created_at: i64,
    changed_at: i64,
}

/// What binds a sealed value to its webhook.
fn place(what: &str, id: WebhookId) -> Vec<u8> {
    format!("webhook/{what}/{id}").into_bytes()
}

impl WebhookRow {
    fn open(self, key: &DirectoryKey) -> Result<Webhook, StoreError> {
        let id = columns::id(WebhookId, &self.id)?;
        let opened = |what, sealed: &[u8]| key.open(&place(what, id), sealed).map_err(|e| corrupt("webhook", e));
        let url = opened("url", &self.url_sealed)?;
        Ok(Webhook {
            id,
            name: self.name,
            url: String::from_utf8(url).map_err(|e| corrupt("webhook", e))?,
            secret: opened("secret", &self.secret_sealed)?,
            place: scope(self.site.as_ref(), self.door.as_ref())?,
            enabled: self.enabled.0,
            version: columns::unsigned("version", self.version)?,
            created_at: UnixMillis(self.created_at),
            changed_at: UnixMillis(self.changed_at),
        })
    }
}

const NO_PLACE: &str = "site or door";

#[async_trait]
impl RuleStore for SqlStore {
    async fn rules(&self) -> Result<Vec<StoredRule>, StoreError> {
        let rows: Vec<RuleRow> = sqlx::query_as("SELECT * FROM notify_rules ORDER BY id").fetch_all(&self.read).await?;
        rows.into_iter().map(StoredRule::try_from).collect()
    }

    async fn rule(&self, id: RuleId) -> Result<Option<StoredRule>, StoreError> {
        let row: Option<RuleRow> = sqlx::query_as("SELECT * FROM notify_rules WHERE id = $1")
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.read)
            .await?;
        row.map(StoredRule::try_from).transpose()
    }

    async fn add_rule(&self, rule: &StoredRule, note: &AuditNote) -> Result<(), StoreError> {
        again(|| async {
            let (site, door) = scope_columns(rule.place);
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO notify_rules (id, form, site, door, version, created_at, changed_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(rule.id.as_bytes().to_vec())
            .bind(rule.form.as_str())
            .bind(site)
            .bind(door)
            .bind(columns::to_column(rule.version))
            .bind(rule.created_at.0)
            .bind(rule.changed_at.0)
            .execute(&mut *tx)
            .await
            .map_err(on_insert("rule", NO_PLACE))?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn put_rule(
        &self,
        id: RuleId,
        form: &str,
        place: Scope,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError> {
        again(|| async {
            let (site, door) = scope_columns(place);
            let mut tx = self.begin().await?;
            let present: Option<i64> = sqlx::query_scalar("SELECT version FROM notify_rules WHERE id = $1")
                .bind(id.as_bytes().to_vec())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(present) = present else { return Ok(None) };
            let version = next_version(columns::unsigned("version", present)?, &change)?;
            sqlx::query(
                "UPDATE notify_rules SET form = $1, site = $2, door = $3, version = $4, changed_at = $5 WHERE id = $6",
            )
            .bind(form)
            .bind(site)
            .bind(door)
            .bind(columns::to_column(version))
            .bind(change.now.0)
            .bind(id.as_bytes().to_vec())
            .execute(&mut *tx)
            .await
            .map_err(on_insert("rule", NO_PLACE))?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    async fn remove_rule(&self, id: RuleId, note: &AuditNote) -> Result<bool, StoreError> {
        self.remove_noted("DELETE FROM notify_rules WHERE id = $1", id.as_bytes(), note).await
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let rows: Vec<WebhookRow> = sqlx::query_as("SELECT * FROM webhooks ORDER BY id").fetch_all(&self.read).await?;
        rows.into_iter().map(|row| row.open(&self.directory.key)).collect()
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let row: Option<WebhookRow> = sqlx::query_as("SELECT * FROM webhooks WHERE id = $1")
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| row.open(&self.directory.key)).transpose()
    }

    async fn add_webhook(&self, webhook: &Webhook, note: &AuditNote) -> Result<(), StoreError> {
        again(|| async {
            let (site, door) = scope_columns(webhook.place);
            let key = &self.directory.key;
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO webhooks (id, name, url_sealed, secret_sealed, site, door, enabled, version, created_at,
                 changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(webhook.id.as_bytes().to_vec())
            .bind(webhook.name.as_str())
            .bind(key.seal(&place("url", webhook.id), webhook.url.as_bytes()))
            .bind(key.seal(&place("secret", webhook.id), &webhook.secret))
            .bind(site)
            .bind(door)
            .bind(Flag(webhook.enabled))
            .bind(columns::to_column(webhook.version))
            .bind(webhook.created_at.0)
            .bind(webhook.changed_at.0)
            .execute(&mut *tx)
            .await
            .map_err(on_insert("webhook", NO_PLACE))?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn put_webhook(
        &self,
        webhook: &Webhook,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError> {
        again(|| async {
            let (site, door) = scope_columns(webhook.place);
            let key = &self.directory.key;
            let mut tx = self.begin().await?;
            let present: Option<i64> = sqlx::query_scalar("SELECT version FROM webhooks WHERE id = $1")
                .bind(webhook.id.as_bytes().to_vec())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(present) = present else { return Ok(None) };
            let version = next_version(columns::unsigned("version", present)?, &change)?;
            sqlx::query(
                "UPDATE webhooks SET name = $1, url_sealed = $2, secret_sealed = $3, site = $4, door = $5, enabled = $6,
                 version = $7, changed_at = $8 WHERE id = $9",
            )
            .bind(webhook.name.as_str())
            .bind(key.seal(&place("url", webhook.id), webhook.url.as_bytes()))
            .bind(key.seal(&place("secret", webhook.id), &webhook.secret))
            .bind(site)
            .bind(door)
            .bind(Flag(webhook.enabled))
            .bind(columns::to_column(version))
            .bind(change.now.0)
            .bind(webhook.id.as_bytes().to_vec())
            .execute(&mut *tx)
            .await
            .map_err(on_insert("webhook", NO_PLACE))?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    async fn remove_webhook(&self, id: WebhookId, note: &AuditNote) -> Result<bool, StoreError> {
        self.remove_noted("DELETE FROM webhooks WHERE id = $1", id.as_bytes(), note).await
    }

    async fn wishes(&self, account: UserId) -> Result<Option<Versioned<String>>, StoreError> {
        let row: Option<(String, i64, i64)> =
            sqlx::query_as("SELECT form, version, changed_at FROM notify_preferences WHERE account = $1")
                .bind(account.as_bytes().to_vec())
                .fetch_optional(&self.read)
                .await?;
        let open = |(value, version, changed_at)| {
            let version = columns::unsigned("version", version)?;
            Ok(Versioned { value, version, changed_at: Some(UnixMillis(changed_at)) })
        };
        row.map(open).transpose()
    }

    async fn put_wishes(&self, account: UserId, form: &str, change: Change) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let present: Option<i64> = sqlx::query_scalar("SELECT version FROM notify_preferences WHERE account = $1")
                .bind(account.as_bytes().to_vec())
                .fetch_optional(&mut *tx)
                .await?;
            let version = next_version(columns::unsigned("version", present.unwrap_or(0))?, &change)?;
            sqlx::query(
                "INSERT INTO notify_preferences (account, form, version, changed_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (account) DO UPDATE SET form = excluded.form, version = excluded.version,
                 changed_at = excluded.changed_at",
            )
            .bind(account.as_bytes().to_vec())
            .bind(form)
            .bind(columns::to_column(version))
            .bind(change.now.0)
            .execute(&mut *tx)
            .await
            .map_err(on_insert("wishes", "account"))?;
            tx.commit().await?;
            Ok(version)
        })
        .await
    }
}

impl SqlStore {
    async fn remove_noted(&self, statement: &'static str, id: &[u8; 16], note: &AuditNote) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let removed = sqlx::query(statement).bind(id.to_vec()).execute(&mut *tx).await?;
            if removed.rows_affected() == 0 {
                return Ok(false);
            }
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}
