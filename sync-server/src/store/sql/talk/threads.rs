//! Conversations.

use std::collections::HashSet;

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::rows::{THREAD, ThreadRow};
use crate::domain::access::{Circle, Reach};
use crate::domain::audit::AuditNote;
use crate::domain::notify::{MessageId, ThreadId};
use crate::domain::recognition::Change;
use crate::domain::talk::{About, Thread};
use crate::ports::StoreError;
use crate::ports::talk::{OldThreads, TalkSight, ThreadChange, ThreadFilter};
use crate::store::sql::again::again;
use crate::store::sql::recognition::next_version;
use crate::store::sql::statement::Statement;
use crate::store::sql::values::Flag;
use crate::store::sql::{SqlStore, columns, ledger, reach};

/// Begins a statement for conversations as an account sees them.
fn select(account: UserId) -> Statement {
    let mut query = Statement::new("SELECT ");
    query.push(THREAD).push(
        ", (SELECT count(*) FROM messages m WHERE m.thread = t.id AND m.sealed IS NOT NULL AND m.author IS DISTINCT FROM ",
    );
    query.bind(account.as_bytes().to_vec()).push(" AND m.id > coalesce((SELECT r.upto FROM thread_reads r WHERE ");
    query.push("r.thread = t.id AND r.account = ").bind(account.as_bytes().to_vec()).push("), ");
    query.bind(Vec::<u8>::new()).push(")) AS unread FROM threads t WHERE 1 = 1");
    query
}

/// Adds ` AND …`: it may be seen.
fn seen(query: &mut Statement, sight: &TalkSight) {
    query.push(" AND ((t.about IN ('event', 'door')");
    reach::within(query, &sight.reach, "t.site", "t.door");
    query.push(") OR (t.about = 'unknown'");
    unknowns_within(query, &sight.reach);
    query.push(") OR (t.about = 'person'");
    match &sight.circle {
        Circle::Everything | Circle::Within { everyone: true, .. } => {}
        Circle::Within { groups, .. } if groups.is_empty() => drop(query.push(" AND 1 = 0")),
        Circle::Within { groups, .. } => {
            query.push(" AND EXISTS (SELECT 1 FROM memberships s WHERE s.person = t.person AND s.in_group IN ");
            query.bind_list(groups.iter().map(|group| group.as_bytes().to_vec())).push(")");
        }
    }
    query.push("))");
}

/// Adds ` AND …`: every visit of the unknown visitor it is about lies within reach.
fn unknowns_within(query: &mut Statement, reach: &Reach) {
    if reach.is_everything() {
        return;
    }
    query.push(" AND EXISTS (SELECT 1 FROM unknown_visits v WHERE v.visitor = t.subject)");
    query.push(" AND NOT EXISTS (SELECT 1 FROM unknown_visits v WHERE v.visitor = t.subject AND NOT (1 = 1");
    reach::within(query, reach, "v.site", "v.door");
    query.push("))");
}

fn narrowed(query: &mut Statement, filter: ThreadFilter) {
    if let Some(state) = filter.state {
        query.push(" AND t.state = ").word(state.as_str());
    }
    if let Some(assignee) = filter.assignee {
        query.push(" AND t.assignee = ").bind(assignee.as_bytes().to_vec());
    }
    if let Some(about) = filter.about {
        query.push(" AND t.about = ").bind(about.as_str());
        query.push(" AND t.subject = ").bind(about.id().as_bytes().to_vec());
    }
    if let Some(of) = filter.of {
        let id = of.as_bytes().to_vec();
        query.push(" AND (t.assignee = ").bind(id.clone());
        query.push(" OR EXISTS (SELECT 1 FROM messages m WHERE m.thread = t.id AND m.author = ").bind(id.clone());
        query.push(") OR EXISTS (SELECT 1 FROM messages m JOIN message_mentions n ON n.message = m.id ");
        query.push("WHERE m.thread = t.id AND n.account = ").bind(id).push("))");
    }
}

async fn about(conn: &mut AnyConnection, about: About, account: UserId) -> Result<Option<Thread>, StoreError> {
    let mut query = select(account);
    narrowed(&mut query, ThreadFilter { about: Some(about), ..ThreadFilter::default() });
    let row: Option<ThreadRow> = query.query_as().fetch_optional(conn).await?;
    row.map(Thread::try_from).transpose()
}

impl SqlStore {
    pub(super) async fn begin_thread(&self, thread: &Thread) -> Result<(Thread, bool), StoreError> {
        again(|| async {
            let nobody = UserId(uuid::Uuid::nil());
            let mut tx = self.begin().await?;
            if let Some(there) = about(&mut tx, thread.about, nobody).await? {
                return Ok((there, false));
            }
            let wrapped = self.new_thread_key(&mut tx, thread.id, thread.person).await?;
            sqlx::query(
                "INSERT INTO threads (id, about, subject, person, site, door, wrapped, state, assignee, held, messages,
                 created_at, last_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, 0, 0, $9, $9, 1)",
            )
            .bind(thread.id.as_bytes().to_vec())
            .bind(thread.about.as_str())
            .bind(thread.about.id().as_bytes().to_vec())
            .bind(thread.person.map(|id| id.as_bytes().to_vec()))
            .bind(thread.place.map(|(site, _)| site.as_bytes().to_vec()))
            .bind(thread.place.map(|(_, door)| door.as_bytes().to_vec()))
            .bind(wrapped)
            .bind(thread.state.as_str())
            .bind(thread.created_at.0)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok((thread.clone(), true))
        })
        .await
    }

    pub(super) async fn thread_of(&self, id: ThreadId, account: UserId) -> Result<Option<Thread>, StoreError> {
        let mut query = select(account);
        query.push(" AND t.id = ").bind(id.as_bytes().to_vec());
        let row: Option<ThreadRow> = query.query_as().fetch_optional(&self.read).await?;
        row.map(Thread::try_from).transpose()
    }

    pub(super) async fn list_threads(
        &self,
        sight: &TalkSight,
        filter: ThreadFilter,
        before: Option<(UnixMillis, ThreadId)>,
        limit: u32,
    ) -> Result<Vec<Thread>, StoreError> {
        let mut query = select(sight.account);
        seen(&mut query, sight);
        narrowed(&mut query, filter);
        if let Some((at, id)) = before {
            query.push(" AND (t.last_at, t.id) < (").bind(at.0).push(", ").bind(id.as_bytes().to_vec()).push(")");
        }
        query.push(" ORDER BY t.last_at DESC, t.id DESC").limit(limit);
        let rows: Vec<ThreadRow> = query.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Thread::try_from).collect()
    }

    pub(super) async fn visible_of(
        &self,
        sight: &TalkSight,
        threads: &[ThreadId],
    ) -> Result<HashSet<ThreadId>, StoreError> {
        let mut visible = HashSet::new();
        for some in threads.chunks(200) {
            let mut query = Statement::new("SELECT t.id FROM threads t WHERE t.id IN ");
            query.bind_list(some.iter().map(|id| id.as_bytes().to_vec()));
            seen(&mut query, sight);
            for (id,) in query.query_as::<(Vec<u8>,)>().fetch_all(&self.read).await? {
                visible.insert(columns::id(ThreadId, &id)?);
            }
        }
        Ok(visible)
    }

    pub(super) async fn set_thread(
        &self,
        id: ThreadId,
        became: ThreadChange,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let present: Option<i64> = sqlx::query_scalar("SELECT version FROM threads WHERE id = $1")
                .bind(id.as_bytes().to_vec())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(present) = present else { return Ok(None) };
            let version = next_version(columns::unsigned("version", present)?, &change)?;
            sqlx::query(
                "UPDATE threads SET state = $1, assignee = (SELECT id FROM accounts WHERE id = $2), held = $3, version = $4,
                 last_at = $5 WHERE id = $6",
            )
            .bind(became.state.as_str())
            .bind(became.assignee.map(|id| id.as_bytes().to_vec()))
            .bind(Flag(became.held))
            .bind(columns::to_column(version))
            .bind(change.now.0)
            .bind(id.as_bytes().to_vec())
            .execute(&mut *tx)
            .await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    pub(super) async fn mark_thread(
        &self,
        account: UserId,
        thread: ThreadId,
        upto: MessageId,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO thread_reads (account, thread, upto, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (account, thread) DO UPDATE SET upto = excluded.upto, at = excluded.at
                 WHERE thread_reads.upto < excluded.upto",
            )
            .bind(account.as_bytes().to_vec())
            .bind(thread.as_bytes().to_vec())
            .bind(upto.as_bytes().to_vec())
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    pub(super) async fn remove_old_threads(&self, old: &OldThreads<'_>, at_most: u32) -> Result<u64, StoreError> {
        again(|| async {
            let mut query = Statement::new("DELETE FROM threads WHERE id IN (SELECT t.id FROM threads t");
            narrow_old(&mut query, old);
            query.push(" ORDER BY t.last_at").limit(at_most).push(")");
            let mut tx = self.begin().await?;
            let gone = query.query().execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            Ok(gone)
        })
        .await
    }

    pub(super) async fn count_old_threads(&self, old: &OldThreads<'_>, at_most: u32) -> Result<u64, StoreError> {
        let mut query = Statement::new("SELECT count(*) FROM (SELECT 1 AS one FROM threads t");
        narrow_old(&mut query, old);
        query.limit(at_most).push(") AS old");
        let (count,): (i64,) = query.query_as().fetch_one(&self.read).await?;
        columns::unsigned("old conversations", count)
    }
}

/// Whether nothing was said in them since then, and nobody holds them.
fn narrow_old(query: &mut Statement, old: &OldThreads<'_>) {
    query.push(" WHERE t.held = 0 AND t.last_at < ").bind(old.before.0);
    match old.site {
        Some(site) => drop(query.push(" AND t.site = ").bind(site.as_bytes().to_vec())),
        None if old.but.is_empty() => {}
        None => {
            query.push(" AND (t.site IS NULL OR t.site NOT IN ");
            query.bind_list(old.but.iter().map(|site| site.as_bytes().to_vec())).push(")");
        }
    }
}
