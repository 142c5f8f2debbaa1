//! Failed log-ins, counted by keyed hashes of what they were tried on: neither names nor addresses lie here.
//!
//! Each count is taken by one statement that also locks the row, so that attempts side by side, on several servers too,
//! are judged one after the other.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use crate::domain::account::Login;
use crate::domain::account::lockout::{Failures, KNOWN_FOR, Place, Subject};
use crate::ports::StoreError;
use crate::ports::accounts::{Attempt, LockoutStore};
use crate::sealing::{DirectoryKey, Lookup};
use crate::store::sql::again::again;
use crate::store::sql::{SqlStore, columns};

#[derive(sqlx::FromRow)]
struct Row {
    count: i64,
    last_at: i64,
    blocked_until: i64,
}

/// What a log-in is counted by, always in this order, so that two of them never wait for each other.
fn subjects(directory: &DirectoryKey, login: &Login, network: &str) -> [(Subject, Vec<u8>); 3] {
    let (login, network) = (login.as_str().as_bytes(), network.as_bytes());
    [
        (Subject::Pair, directory.lookup(Lookup::FailuresOfPair, &[login, network])),
        (Subject::Account, directory.lookup(Lookup::FailuresOfAccount, &[login])),
        (Subject::Address, directory.lookup(Lookup::FailuresFromAddress, &[network])),
    ]
}

fn place_of(directory: &DirectoryKey, login: &Login, network: &str) -> Vec<u8> {
    directory.lookup(Lookup::KnownPlace, &[login.as_str().as_bytes(), network.as_bytes()])
}

fn second_step(directory: &DirectoryKey, account: UserId, place: Place) -> Vec<u8> {
    let place: &[u8] = match place {
        Place::Known => b"known",
        Place::New => b"new",
    };
    directory.lookup(Lookup::FailuresOfSecondFactor, &[account.as_bytes(), place])
}

/// Counts one more, or says for how long nothing is to be tried.
async fn count(
    tx: &mut AnyConnection,
    (subject, hash): (Subject, &[u8]),
    now: UnixMillis,
) -> Result<Attempt, StoreError> {
    // Changes nothing but takes the row's lock; what comes back is as it was.
    let row: Row = sqlx::query_as(
        "INSERT INTO login_failures (subject, count, last_at, blocked_until) VALUES ($1, 0, $2, 0)
         ON CONFLICT (subject) DO UPDATE SET count = login_failures.count
         RETURNING count, last_at, blocked_until",
    )
    .bind(hash)
    .bind(now.0)
    .fetch_one(&mut *tx)
    .await?;
    let before = Failures {
        count: columns::unsigned32("count", row.count)?,
        last_at: UnixMillis(row.last_at),
        blocked_until: UnixMillis(row.blocked_until),
    };
    if let Some(left) = before.blocked_for(now) {
        return Ok(Attempt::Blocked(left));
    }
    let after = before.and_one(subject, now);
    sqlx::query("UPDATE login_failures SET count = $1, last_at = $2, blocked_until = $3 WHERE subject = $4")
        .bind(i64::from(after.count))
        .bind(after.last_at.0)
        .bind(after.blocked_until.0)
        .bind(hash)
        .execute(tx)
        .await?;
    Ok(Attempt::Counted)
}

/// Takes one count back, and the pause it brought.
async fn take_back(tx: &mut AnyConnection, hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query("UPDATE login_failures SET count = count - 1, blocked_until = 0 WHERE subject = $1 AND count > 0")
        .bind(hash)
        .execute(tx)
        .await?;
    Ok(())
}

async fn clear(tx: &mut AnyConnection, hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM login_failures WHERE subject = $1").bind(hash).execute(tx).await?;
    Ok(())
}

#[async_trait]
impl LockoutStore for SqlStore {
    async fn is_known_place(&self, login: &Login, network: &str, now: UnixMillis) -> Result<bool, StoreError> {
        let last_at: Option<i64> = sqlx::query_scalar("SELECT last_at FROM known_places WHERE subject = $1")
            .bind(place_of(&self.directory.key, login, network))
            .fetch_optional(&self.read)
            .await?;
        Ok(last_at.is_some_and(|last_at| now < UnixMillis(last_at).plus(KNOWN_FOR)))
    }

    async fn count_login(&self, login: &Login, network: &str, now: UnixMillis) -> Result<Attempt, StoreError> {
        again(|| async {
            let place = if self.is_known_place(login, network, now).await? { Place::Known } else { Place::New };
            let mut tx = self.begin().await?;
            for (subject, hash) in subjects(&self.directory.key, login, network) {
                if !subject.holds_for(place) {
                    continue;
                }
                // What was counted for other subjects is rolled back: an attempt that is not made counts nowhere.
                if let Attempt::Blocked(left) = count(&mut tx, (subject, &hash), now).await? {
                    return Ok(Attempt::Blocked(left));
                }
            }
            tx.commit().await?;
            Ok(Attempt::Counted)
        })
        .await
    }

    async fn forgive_login(&self, login: &Login, network: &str, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            let known = self.is_known_place(login, network, now).await?;
            let mut tx = self.begin().await?;
            for (subject, hash) in subjects(&self.directory.key, login, network) {
                match subject {
                    Subject::Pair => clear(&mut tx, &hash).await?,
                    // Only what this log-in added: failures of others stay counted.
                    _ if !known => take_back(&mut tx, &hash).await?,
                    _ => {}
                }
            }
            sqlx::query(
                "INSERT INTO known_places (subject, last_at) VALUES ($1, $2)
                 ON CONFLICT (subject) DO UPDATE SET last_at = excluded.last_at",
            )
            .bind(place_of(&self.directory.key, login, network))
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn count_second_step(&self, account: UserId, place: Place, now: UnixMillis) -> Result<Attempt, StoreError> {
        again(|| async {
            let hash = second_step(&self.directory.key, account, place);
            let mut tx = self.begin().await?;
            let attempt = count(&mut tx, (Subject::SecondFactor, &hash), now).await?;
            tx.commit().await?;
            Ok(attempt)
        })
        .await
    }

    async fn forgive_second_step(&self, account: UserId, place: Place) -> Result<(), StoreError> {
        again(|| async {
            let hash = second_step(&self.directory.key, account, place);
            let mut tx = self.begin().await?;
            clear(&mut tx, &hash).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}
