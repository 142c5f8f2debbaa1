//! What people looked for, each for themselves alone.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::rows;
use crate::domain::talk::SearchId;
use crate::ports::StoreError;
use crate::ports::searches::{Search, SearchKind, SearchStore};
use crate::sealing::AccountField;
use crate::store::sql::again::again;
use crate::store::sql::error::corrupt;
use crate::store::sql::{SqlStore, columns};

/// The most searches of an account that are kept; older ones go.
const MOST_KEPT: i64 = 200;

type Row = (Vec<u8>, String, Vec<u8>, i64, i64);

#[async_trait]
impl SearchStore for SqlStore {
    async fn note_search(&self, search: &Search) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            // A service has a key as well; an account that is gone has none, and nothing is kept of it.
            let Some(key) = rows::key_of(&mut tx, &self.master, search.account).await? else { return Ok(()) };
            sqlx::query("INSERT INTO searches (id, account, kind, sealed, found, at) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(search.id.as_bytes().to_vec())
                .bind(search.account.as_bytes().to_vec())
                .bind(search.kind.as_str())
                .bind(key.seal(AccountField::Search, search.words.as_bytes()))
                .bind(columns::to_column(search.found))
                .bind(search.at.0)
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "DELETE FROM searches WHERE account = $1 AND id NOT IN
                 (SELECT s.id FROM searches s WHERE s.account = $1 ORDER BY s.id DESC LIMIT $2)",
            )
            .bind(search.account.as_bytes().to_vec())
            .bind(MOST_KEPT)
            .execute(&mut *tx)
            .await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn searches_of(
        &self,
        account: UserId,
        before: Option<SearchId>,
        limit: u32,
    ) -> Result<Vec<Search>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let Some(key) = rows::key_of(&mut conn, &self.master, account).await? else { return Ok(Vec::new()) };
        let before = before.map_or_else(|| columns::BEHIND_EVERY_ID.to_vec(), |id| id.as_bytes().to_vec());
        let found: Vec<Row> = sqlx::query_as(
            "SELECT id, kind, sealed, found, at FROM searches WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(account.as_bytes().to_vec())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&mut *conn)
        .await?;
        let open = |(id, kind, sealed, found, at): Row| {
            Ok(Search {
                id: columns::id(SearchId, &id)?,
                account,
                kind: SearchKind::parse(&kind).ok_or_else(|| corrupt("kind of search", &kind))?,
                words: key.open_text(AccountField::Search, &sealed).map_err(|e| corrupt("search", e))?,
                found: columns::unsigned("found", found)?,
                at: UnixMillis(at),
            })
        };
        found.into_iter().map(open).collect()
    }

    async fn forget_searches(&self, account: UserId) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let gone = sqlx::query("DELETE FROM searches WHERE account = $1")
                .bind(account.as_bytes().to_vec())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(gone.rows_affected())
        })
        .await
    }
}
