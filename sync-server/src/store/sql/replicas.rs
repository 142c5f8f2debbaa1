//! Servers over one store: heartbeats, leases, the count of changes, and the secrets they share.

use std::time::Duration;

use async_trait::async_trait;
use ostiary_common::time::UnixMillis;
use sqlx::{AnyConnection, AssertSqlSafe};
use zeroize::Zeroizing;

use super::again::again;
use super::error::corrupt;
use super::{SqlStore, columns};
use crate::domain::replica::{Fence, Pulse, ReplicaCard, ReplicaId, ReplicaSeen, Term, Topic};
use crate::ports::StoreError;
use crate::ports::replicas::{LEADER, NamedSecret, ReplicaStore, SecretStore};

#[derive(sqlx::FromRow)]
struct Row {
    id: Vec<u8>,
    name: String,
    version: String,
    started_at: i64,
    silent_ms: i64,
    leads: i64,
}

impl TryFrom<Row> for ReplicaSeen {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let card = ReplicaCard {
            id: columns::id(ReplicaId, &row.id)?,
            name: row.name,
            version: row.version,
            started_at: UnixMillis(row.started_at),
        };
        // The database's clock may have been set back in between.
        let ago = Duration::from_millis(u64::try_from(row.silent_ms).unwrap_or(0));
        Ok(Self { card, ago, leads: row.leads != 0 })
    }
}

#[async_trait]
impl ReplicaStore for SqlStore {
    async fn beat(&self, me: &ReplicaCard) -> Result<(), StoreError> {
        again(|| async {
            let now = self.engine.now_ms();
            let sql = format!(
                "INSERT INTO replicas (id, name, version, started_at, seen_at) VALUES ($1, $2, $3, $4, {now})
                 ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
            );
            sqlx::query(AssertSqlSafe(sql))
                .bind(me.id.as_bytes().as_slice())
                .bind(&me.name)
                .bind(&me.version)
                .bind(me.started_at.0)
                .execute(&self.write)
                .await?;
            Ok(())
        })
        .await
    }

    async fn leave(&self, id: ReplicaId) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query("DELETE FROM replicas WHERE id = $1")
                .bind(id.as_bytes().as_slice())
                .execute(&self.write)
                .await?;
            Ok(())
        })
        .await
    }

    async fn replicas(&self, forget: Duration) -> Result<Vec<ReplicaSeen>, StoreError> {
        let now = self.engine.now_ms();
        let sql = format!(
            "SELECT r.id, r.name, r.version, r.started_at, {now} - r.seen_at AS silent_ms,
             CAST(CASE WHEN l.holder = r.id AND l.ends_at > {now} THEN 1 ELSE 0 END AS BIGINT) AS leads
             FROM replicas r LEFT JOIN leases l ON l.name = $1 ORDER BY r.id"
        );
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(LEADER).fetch_all(&self.read).await?;
        let seen = rows.into_iter().map(ReplicaSeen::try_from).collect::<Result<Vec<_>, _>>()?;
        let (lately, long_ago): (Vec<_>, Vec<_>) = seen.into_iter().partition(|replica| replica.ago < forget);
        for replica in long_ago {
            self.leave(replica.card.id).await?;
        }
        Ok(lately)
    }

    async fn take_lease(&self, name: &str, me: ReplicaId, lasts: Duration) -> Result<Option<Fence>, StoreError> {
        again(|| async {
            let now = self.engine.now_ms();
            let sql = format!(
                "INSERT INTO leases (name, holder, fence, ends_at) VALUES ($1, $2, 1, {now} + $3)
                 ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at,
                 fence = CASE WHEN leases.holder = excluded.holder AND leases.ends_at > {now}
                 THEN leases.fence ELSE leases.fence + 1 END
                 WHERE leases.holder = excluded.holder OR leases.ends_at <= {now} RETURNING fence"
            );
            let fence: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(name)
                .bind(me.as_bytes().as_slice())
                .bind(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX))
                .fetch_optional(&self.write)
                .await?;
            Ok(fence.map(Fence))
        })
        .await
    }

    async fn give_back_lease(&self, name: &str, me: ReplicaId) -> Result<(), StoreError> {
        again(|| async {
            // The row stays, and with it the fence.
            sqlx::query("UPDATE leases SET ends_at = 0 WHERE name = $1 AND holder = $2")
                .bind(name)
                .bind(me.as_bytes().as_slice())
                .execute(&self.write)
                .await?;
            Ok(())
        })
        .await
    }

    async fn pulse(&self) -> Result<Pulse, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT topic, count FROM changes UNION ALL SELECT 'gallery', rev FROM gallery
             UNION ALL SELECT 'events', coalesce(max(cursor), 0) FROM events",
        )
        .fetch_all(&self.read)
        .await?;
        let mut pulse = Pulse::default();
        for (name, number) in rows {
            // A newer program may count more.
            if let Some(topic) = Topic::parse(&name) {
                pulse.set(topic, number);
            }
        }
        Ok(pulse)
    }
}

#[async_trait]
impl SecretStore for SqlStore {
    async fn shared_secrets(&self) -> Result<Vec<NamedSecret>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT name, sealed FROM shared_secrets ORDER BY name").fetch_all(&self.read).await?;
        let open = |(name, sealed): (String, Vec<u8>)| {
            let opened = self.directory.key.open(&place(&name), &sealed);
            let opened = opened.map_err(|error| corrupt("shared secret", error))?;
            Ok((name, Zeroizing::new(opened)))
        };
        rows.into_iter().map(open).collect()
    }

    async fn add_shared_secrets(&self, secrets: &[NamedSecret]) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let mut added = false;
            for secret in secrets {
                added |= self.put_secret(&mut tx, secret).await?;
            }
            tx.commit().await?;
            Ok(added)
        })
        .await
    }

    async fn replace_shared_secret(&self, old: &str, new: &NamedSecret, fence: Fence) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            if !still_leads(&mut tx, Term::elected(fence)).await? {
                return Ok(false);
            }
            sqlx::query("DELETE FROM shared_secrets WHERE name = $1").bind(old).execute(&mut *tx).await?;
            self.put_secret(&mut tx, new).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}

impl SqlStore {
    async fn put_secret(&self, tx: &mut AnyConnection, (name, secret): &NamedSecret) -> Result<bool, StoreError> {
        let sql = format!(
            "INSERT INTO shared_secrets (name, sealed, changed_at) VALUES ($1, $2, {}) ON CONFLICT (name) DO NOTHING",
            self.engine.now_ms()
        );
        let done = sqlx::query(AssertSqlSafe(sql))
            .bind(name)
            .bind(self.directory.key.seal(&place(name), secret))
            .execute(tx)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

/// Whether a term still goes on, as the store knows it; whoever is alone needs no lease.
pub(super) async fn still_leads(tx: &mut AnyConnection, term: Term) -> Result<bool, StoreError> {
    let Some(fence) = term.fence() else { return Ok(true) };
    let leads: i64 = sqlx::query_scalar("SELECT count(*) FROM leases WHERE name = $1 AND fence = $2")
        .bind(LEADER)
        .bind(fence.0)
        .fetch_one(tx)
        .await?;
    Ok(leads > 0)
}

fn place(name: &str) -> Vec<u8> {
    [b"shared/", name.as_bytes()].concat()
}
