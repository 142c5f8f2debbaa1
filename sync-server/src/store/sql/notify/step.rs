//! What a step of the herald writes.

use std::sync::LazyLock;

use ostiary_common::ids::{EventId, UserId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use crate::domain::notify::{Notice, NoticeId};
use crate::ports::StoreError;
use crate::ports::notify::{Delivery, Recipient, Step};
use crate::store::sql::columns::to_column;
use crate::store::sql::engine::Engine;
use crate::store::sql::many::{ManyRows, pieces};
use crate::store::sql::values::Flag;

static GATHER: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new("INSERT INTO notice_events (notice, event, at) VALUES", "(?, ?, ?)", "ON CONFLICT DO NOTHING")
});

/// Writes everything of a step but its generation.
pub(super) async fn write(tx: &mut AnyConnection, step: &Step) -> Result<(), StoreError> {
    for notice in &step.opened {
        insert(tx, notice).await?;
    }
    for notice in &step.changed {
        change(tx, notice, step.escalated.contains(&notice.id)).await?;
    }
    gather(tx, &step.gathered).await?;
    for (notice, account) in &step.readers {
        add_reader(tx, *notice, *account).await?;
    }
    for delivery in &step.deliveries {
        add_delivery(tx, delivery).await?;
    }
    for (key, since) in &step.raised {
        sqlx::query(
            "INSERT INTO notify_conditions (condition_key, since) VALUES ($1, $2)
             ON CONFLICT (condition_key) DO UPDATE SET since = excluded.since",
        )
        .bind(key.as_str())
        .bind(since.0)
        .execute(&mut *tx)
        .await?;
    }
    for key in &step.cleared {
        sqlx::query("DELETE FROM notify_conditions WHERE condition_key = $1")
            .bind(key.as_str())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

pub(super) async fn insert(tx: &mut AnyConnection, notice: &Notice) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO notices (id, rule, rule_name, group_key, what, site, door, device, person, thread, words, count,
         told, opened_at, last_at, next_at, escalate_at, first_event)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (SELECT id FROM persons WHERE id = $9), $10, $11, $12, $13, $14, $15,
         $16, $17, $18)",
    )
    .bind(notice.id.as_bytes().to_vec())
    .bind(notice.rule.map(|id| id.as_bytes().to_vec()))
    .bind(notice.rule_name.as_str())
    .bind(notice.key.as_str())
    .bind(notice.what.as_str())
    .bind(notice.place.site.map(|id| id.as_bytes().to_vec()))
    .bind(notice.place.door.map(|id| id.as_bytes().to_vec()))
    .bind(notice.place.device.map(|id| id.as_bytes().to_vec()))
    .bind(notice.person.map(|id| id.as_bytes().to_vec()))
    .bind(notice.thread.map(|id| id.as_bytes().to_vec()))
    .bind(notice.words.as_str())
    .bind(to_column(notice.count))
    .bind(to_column(notice.told))
    .bind(notice.opened_at.0)
    .bind(notice.last_at.0)
    .bind(notice.next_at.map(|at| at.0))
    .bind(notice.escalate_at.map(|at| at.0))
    .bind(notice.first_event.map(|id| id.as_bytes().to_vec()))
    .execute(tx)
    .await?;
    Ok(())
}

/// What joined a notice makes it unread again for those who read it only when it is told again.
async fn change(tx: &mut AnyConnection, notice: &Notice, escalated: bool) -> Result<(), StoreError> {
    let told: i64 = sqlx::query_scalar("SELECT told FROM notices WHERE id = $1")
        .bind(notice.id.as_bytes().to_vec())
        .fetch_optional(&mut *tx)
        .await?
        .unwrap_or_default();
    sqlx::query(
        "UPDATE notices SET count = $1, told = $2, opened_at = $3, last_at = $4, next_at = $5,
         person = CASE WHEN $6 = 1 THEN person END, escalate_at = CASE WHEN $7 = 1 THEN NULL ELSE escalate_at END
         WHERE id = $8",
    )
    .bind(to_column(notice.count))
    .bind(to_column(notice.told))
    .bind(notice.opened_at.0)
    .bind(notice.last_at.0)
    .bind(notice.next_at.map(|at| at.0))
    .bind(Flag(notice.person.is_some()))
    .bind(Flag(escalated))
    .bind(notice.id.as_bytes().to_vec())
    .execute(&mut *tx)
    .await?;
    if to_column(notice.told) > told {
        sqlx::query("UPDATE notice_readers SET unread = 1 WHERE notice = $1")
            .bind(notice.id.as_bytes().to_vec())
            .execute(tx)
            .await?;
    }
    Ok(())
}

async fn gather(tx: &mut AnyConnection, rows: &[(NoticeId, EventId, UnixMillis)]) -> Result<(), StoreError> {
    for piece in pieces(rows) {
        let query = piece.iter().fold(sqlx::query(GATHER.sql(Engine::of(tx), piece)), |query, (notice, event, at)| {
            query.bind(notice.as_bytes().to_vec()).bind(event.as_bytes().to_vec()).bind(at.0)
        });
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

pub(super) async fn add_reader(tx: &mut AnyConnection, notice: NoticeId, account: UserId) -> Result<(), StoreError> {
    // An account that was removed meanwhile is told nothing.
    sqlx::query(
        "INSERT INTO notice_readers (account, notice, unread, read_at)
         SELECT id, $1, 1, NULL FROM accounts WHERE id = $2
         ON CONFLICT (account, notice) DO UPDATE SET unread = 1",
    )
    .bind(notice.as_bytes().to_vec())
    .bind(account.as_bytes().to_vec())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn add_delivery(tx: &mut AnyConnection, delivery: &Delivery) -> Result<(), StoreError> {
    let (account, webhook) = match delivery.to {
        Recipient::Account(account) | Recipient::Push(account) => (Some(account.as_bytes().to_vec()), None),
        Recipient::Webhook(webhook) => (None, Some(webhook.as_bytes().to_vec())),
    };
    // So is one, and a webhook, that is gone.
    sqlx::query(
        "INSERT INTO deliveries (id, notice, account, webhook, reason, state, attempts, next_at, created_at, done_at,
         error, push) SELECT $1, $2, $3, $4, $5, $6, 0, $7, $8, NULL, NULL, $9
         WHERE EXISTS (SELECT 1 FROM accounts WHERE id = $3) OR EXISTS (SELECT 1 FROM webhooks WHERE id = $4)",
    )
    .bind(delivery.id.as_bytes().to_vec())
    .bind(delivery.notice.map(|id| id.as_bytes().to_vec()))
    .bind(account)
    .bind(webhook)
    .bind(delivery.reason.as_str())
    .bind(delivery.state.as_str())
    .bind(delivery.next_at.0)
    .bind(delivery.created_at.0)
    .bind(Flag(matches!(delivery.to, Recipient::Push(_))))
    .execute(tx)
    .await?;
    Ok(())
}
