//! Connections that read.
//!
//! The library's pool asks the database, whenever a connection is given back, whether it is there still: a second journey
//! for each statement. So connections of single statements are kept here for a moment, and only those that were idle for
//! longer, or were broken off, go back to the pool to be looked after.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt, iter, once};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Describe, Either, Execute, Executor, SqlStr, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::engine::{ACQUIRE_TIMEOUT, Engine, IDLE_UNASKED};

/// Of the connections, one in so many is kept for transactions and what else takes more than one statement.
const OTHERS_SHARE: u32 = 3;

/// A pool of connections. As an executor it runs each statement by itself.
#[derive(Debug)]
pub(super) struct Readers {
    pool: AnyPool,
    /// Single statements take turns, so that transactions find a connection.
    turns: Semaphore,
    /// Connections kept at most. A pool of one keeps none: it would never come back to a transaction.
    most_kept: usize,
    warm: Mutex<Vec<(PoolConnection<Any>, Instant)>>,
}

/// A connection lent to one statement.
struct Lent<'a> {
    conn: PoolConnection<Any>,
    readers: &'a Readers,
    _turn: SemaphorePermit<'a>,
}

impl Readers {
    pub(super) fn new(pool: AnyPool) -> Self {
        let all = pool.options().get_max_connections();
        let most_kept = all.saturating_sub((all / OTHERS_SHARE).max(1)) as usize;
        Self { pool, turns: Semaphore::new(most_kept.max(1)), most_kept, warm: Mutex::default() }
    }

    /// A connection for several statements.
    pub(super) async fn acquire(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        self.pool.acquire().await
    }

    /// A transaction whose reads all see the same moment.
    pub(super) async fn begin(&self, engine: Engine) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.pool.begin_with(engine.begin_reading()).await
    }

    /// Closes every connection, those in use once they are given back.
    pub(super) async fn close(&self) {
        self.turns.close();
        self.warm().clear();
        self.pool.close().await;
    }

    async fn lend(&self) -> Result<Lent<'_>, sqlx::Error> {
        let turn = tokio::time::timeout(ACQUIRE_TIMEOUT, self.turns.acquire()).await;
        let turn = turn.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = self.kept();
        let conn = match kept {
            Some(conn) => conn,
            None => self.pool.acquire().await?,
        };
        Ok(Lent { conn, readers: self, _turn: turn })
    }

    /// The connection that was used last; those that were idle for long go back to the pool.
    fn kept(&self) -> Option<PoolConnection<Any>> {
        let mut warm = self.warm();
        let stale = warm.partition_point(|(_, since)| since.elapsed() >= IDLE_UNASKED);
        warm.drain(..stale);
        warm.pop().map(|(conn, _)| conn)
    }

    fn warm(&self) -> MutexGuard<'_, Vec<(PoolConnection<Any>, Instant)>> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What goes back to the pool does so on a task, and a store may outlive what runs tasks.
impl Drop for Readers {
    fn drop(&mut self) {
        self.warm().drain(..).for_each(|(conn, _)| drop(conn.detach()));
    }
}

impl Lent<'_> {
    /// Keeps the connection for the next. One that is dropped without may be in the middle of an answer.
    fn done(self) {
        let mut warm = self.readers.warm();
        if !self.readers.turns.is_closed() && warm.len() < self.readers.most_kept {
            warm.push((self.conn, Instant::now()));
        }
    }
}

impl<'p> Executor<'p> for &'p Readers {
    type Database = Any;

    /// All rows are there before the first is given, so that the connection is free again.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let all = async move {
            let mut lent = self.lend().await?;
            let all: Vec<_> = lent.conn.fetch_many(query).try_collect().await?;
            lent.done();
            Ok::<_, sqlx::Error>(iter(all.into_iter().map(Ok)))
        };
        once(all).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move {
            let mut lent = self.lend().await?;
            let row = lent.conn.fetch_optional(query).await?;
            lent.done();
            Ok(row)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'p: 'e,
    {
        Box::pin(async move { self.pool.acquire().await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, sqlx::Error>>
    where
        'p: 'e,
    {
        Box::pin(async move { self.pool.acquire().await?.describe(sql).await })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::sealing::MasterKey;
    use crate::store::sql::engine::Purpose;
    use crate::store::sql::{SqlStore, StoreUrl};

    /// Takes SQLite about a second.
    const SLOW: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000)
        SELECT count(*) FROM n";
    const AT_ONCE: Duration = Duration::from_millis(300);

    async fn store() -> (TempDir, SqlStore) {
        let dir = tempfile::tempdir().unwrap();
        let url = StoreUrl::sqlite(&dir.path().join("t.sqlite"));
        let store = SqlStore::open(&url, &MasterKey::from_bytes([7; 32])).await.unwrap();
        store.read.warm().clear();
        (dir, store)
    }

    async fn one(readers: &Readers) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT 1").fetch_one(readers).await
    }

    #[tokio::test]
    async fn one_statement_after_another_takes_the_same_connection() {
        let (_dir, store) = store().await;
        for _ in 0..20 {
            assert_eq!(one(&store.read).await.unwrap(), 1);
            let rows: Vec<i64> = sqlx::query_scalar("SELECT 1 UNION SELECT 2").fetch_all(&store.read).await.unwrap();
            assert_eq!(rows, [1, 2]);
        }
        assert_eq!(store.read.warm().len(), 1);
    }

    #[tokio::test]
    async fn a_connection_is_not_kept_whose_answer_nobody_waited_for() {
        let (_dir, store) = store().await;
        let slow = sqlx::query_scalar::<_, i64>(SLOW).fetch_one(&store.read);
        tokio::time::timeout(AT_ONCE, slow).await.expect_err("it takes longer");
        assert!(store.read.warm().is_empty());
        let broken = sqlx::query_scalar::<_, i64>("SELECT no_such FROM gallery").fetch_one(&store.read).await;
        assert!(broken.is_err() && store.read.warm().is_empty());
        assert_eq!(tokio::time::timeout(AT_ONCE, one(&store.read)).await.unwrap().unwrap(), 1);
    }

    #[tokio::test]
    async fn those_that_were_idle_go_back_to_the_pool() {
        let (_dir, store) = store().await;
        let (first, second) = tokio::join!(one(&store.read), one(&store.read));
        assert_eq!((first.unwrap(), second.unwrap(), store.read.warm().len()), (1, 1, 2));
        tokio::time::sleep(IDLE_UNASKED).await;
        assert_eq!(one(&store.read).await.unwrap(), 1);
        assert_eq!(store.read.warm().len(), 1);
    }

    #[tokio::test]
    async fn transactions_find_a_connection_while_statements_take_all_of_theirs() {
        let (_dir, store) = store().await;
        let readers = std::sync::Arc::new(store.read);
        let slow = (0..2 * readers.turns.available_permits()).map(|_| {
            let readers = std::sync::Arc::clone(&readers);
            tokio::spawn(async move { sqlx::query_scalar::<_, i64>(SLOW).fetch_one(&*readers).await })
        });
        let slow: Vec<_> = slow.collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = tokio::time::timeout(AT_ONCE, readers.begin(Engine::Sqlite)).await;
        began.expect("nobody waits for statements").unwrap().commit().await.unwrap();
        assert!(slow.iter().any(|slow| !slow.is_finished()), "all of them were in use");
        for slow in slow {
            assert_eq!(slow.await.unwrap().unwrap(), 3_000_000);
        }
    }

    #[tokio::test]
    async fn the_only_connection_goes_back() {
        let (_dir, store) = store().await;
        let options = sqlx::any::AnyPoolOptions::new().max_connections(1);
        let only = options.connect_with(store.url().connect_options(Purpose::Read).unwrap()).await.unwrap();
        let readers = Readers::new(only);
        assert_eq!(one(&readers).await.unwrap(), 1);
        let began = tokio::time::timeout(AT_ONCE, readers.begin(Engine::Sqlite)).await;
        began.expect("nobody holds it").unwrap().commit().await.unwrap();
        assert_eq!(one(&readers).await.unwrap(), 1);
    }

    #[test]
    fn a_store_is_dropped_where_nothing_runs_any_more() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let store = runtime.block_on(async {
            let store = store().await;
            one(&store.1.read).await.unwrap();
            store
        });
        assert_eq!(store.1.read.warm().len(), 1);
        drop(runtime);
        drop(store);
    }

    #[tokio::test]
    async fn closing_waits_for_what_is_under_way_and_refuses_the_rest() {
        let (_dir, store) = store().await;
        let readers = std::sync::Arc::new(store.read);
        one(&readers).await.unwrap();
        let slow = tokio::spawn({
            let readers = std::sync::Arc::clone(&readers);
            async move { sqlx::query_scalar::<_, i64>(SLOW).fetch_one(&*readers).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        readers.close().await;
        assert_eq!(slow.await.unwrap().unwrap(), 3_000_000);
        assert!(matches!(one(&readers).await, Err(sqlx::Error::PoolClosed)));
        assert_eq!((readers.warm().len(), readers.pool.size()), (0, 0));
    }
}
