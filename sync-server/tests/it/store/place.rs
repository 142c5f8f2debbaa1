//! Places for stores: an empty one of each database, for tests that run on both.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use ostiary_server::store::sql::{Engine, SqlStore, StoreUrl};
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, AssertSqlSafe};
use tempfile::TempDir;

use super::sample::master;

/// A test as a story of a store.
pub type Story = (&'static str, fn(Place) -> futures_util::future::LocalBoxFuture<'static, ()>);

/// Runs each of these tests on each database; a test takes the [`Place`] of its store. Those that are `told` can be told
/// by others, too, as `stories()`.
macro_rules! on_both {
    (told: $($test:ident),+ $(,)?) => {
        $crate::store::place::on_both!($($test),+);

        pub(in crate::store) fn stories() -> Vec<$crate::store::place::Story> {
            vec![$((stringify!($test), |place| Box::pin($test(place)))),+]
        }
    };
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::store::place::Place::sqlite()).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::store::place::Place::postgres().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both;

/// The same for what is run only when asked for, and why.
macro_rules! on_both_ignored {
    ($why:literal, $test:ident) => {
        #[tokio::test]
        #[ignore = $why]
        async fn sqlite() {
            $test($crate::store::place::Place::sqlite()).await;
        }

        #[tokio::test]
        #[ignore = $why]
        async fn postgres() {
            $test($crate::store::place::Place::postgres().await).await;
        }
    };
}
pub(crate) use on_both_ignored;

/// Where a store is to be.
pub struct Place {
    /// As the server is told.
    pub url: StoreUrl,
    /// As the database library is.
    text: String,
    /// For a SQLite file and whatever else a test puts there; gone when the test is over.
    folder: TempDir,
    /// How much of the server's log was read.
    heard_bytes: AtomicUsize,
}

impl Place {
    /// No file yet.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("sqlite:{}", folder.path().join("test.sqlite").display());
        Self { url: StoreUrl::parse(&text).unwrap(), text, folder, heard_bytes: AtomicUsize::new(0) }
    }

    /// An empty database of the server that the tests of this process share.
    pub async fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = PostgresServer::shared();
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let admin = raw_pool(&server.url("postgres")).await;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&admin).await.unwrap();
        admin.close().await;
        let text = server.url(&name);
        Self {
            url: StoreUrl::parse(&text).unwrap(),
            text,
            folder: tempfile::tempdir().unwrap(),
            heard_bytes: AtomicUsize::new(0),
        }
    }

    /// An empty one of the same database.
    pub async fn another(&self) -> Self {
        match self.url.engine() {
            Engine::Sqlite => Self::sqlite(),
            Engine::Postgres => Self::postgres().await,
        }
    }

    /// The address as a configuration has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The store there, made or opened again.
    pub async fn open(&self) -> SqlStore {
        SqlStore::open(&self.url, &master()).await.unwrap()
    }

    /// Connections past the store.
    pub async fn pool(&self) -> AnyPool {
        raw_pool(&self.text).await
    }

    /// The same, to a file that is made if it is not there.
    pub async fn made(&self) -> AnyPool {
        match self.url.engine() {
            Engine::Sqlite => raw_pool(&format!("{}?mode=rwc", self.text)).await,
            Engine::Postgres => self.pool().await,
        }
    }

    /// Has PostgreSQL write down how it carries out each statement, from the next connection on.
    pub async fn watch_plans(&self, pool: &AnyPool) {
        let name: String = sqlx::query_scalar("SELECT CAST(current_database() AS TEXT)").fetch_one(pool).await.unwrap();
        for setting in [
            "session_preload_libraries = auto_explain",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_analyze = on",
        ] {
            sqlx::query(AssertSqlSafe(format!("ALTER DATABASE {name} SET {setting}"))).execute(pool).await.unwrap();
        }
    }

    /// The plans written down since this was last asked.
    pub fn plans(&self) -> Vec<String> {
        let (plans, heard_bytes) = self.diary().plans(self.heard_bytes.load(Ordering::Relaxed));
        self.heard_bytes.store(heard_bytes, Ordering::Relaxed);
        plans
    }

    /// What PostgreSQL writes down of this place.
    pub fn diary(&self) -> Diary {
        let name = self.text.trim_start_matches("postgres:///").split('?').next().unwrap_or_default();
        Diary(name.to_owned())
    }

    /// Whether these bytes lie in the store for all to see: in a file of SQLite's, its log included, or in a value that
    /// PostgreSQL gives.
    pub async fn lies_open(&self, what: &[u8]) -> bool {
        self.dump().await.windows(what.len()).any(|window| window == what)
    }

    async fn dump(&self) -> Vec<u8> {
        if self.url.engine() == Engine::Sqlite {
            let files = std::fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path());
            return files.flat_map(|path| std::fs::read(path).unwrap()).collect();
        }
        let pool = self.pool().await;
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT CAST(tablename AS TEXT) FROM pg_catalog.pg_tables WHERE schemaname = 'public'")
                .fetch_all(&pool)
                .await
                .unwrap();
        pool.close().await;
        tables.iter().flat_map(|table| copy(&self.text, table)).collect()
    }
}

/// What PostgreSQL writes down of a database, also when its place is gone.
pub struct Diary(String);

impl Diary {
    /// The plans written down from some byte on, and the byte behind them.
    pub fn plans(&self, from: usize) -> (Vec<String>, usize) {
        let log = std::fs::read_to_string(PostgresServer::shared().folder.join("server.log")).unwrap();
        // Each entry begins with the name of its database; further lines of it begin with a tab.
        let entries = log[from..].replace("\n\t", "\r\t");
        let is_ours = |entry: &&str| entry.starts_with(&format!("{} ", self.0)) && entry.contains("plan:");
        (entries.lines().filter(is_ours).map(|entry| entry.replace("\r\t", "\n\t")).collect(), log.len())
    }
}

/// A table as PostgreSQL copies it out, in its bytes.
fn copy(url: &str, table: &str) -> Vec<u8> {
    let command = format!("COPY {table} TO STDOUT WITH (FORMAT binary)");
    let copied = Command::new("psql").args([url, "--no-psqlrc", "--command", &command]).output().unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    copied.stdout
}

async fn raw_pool(url: &str) -> AnyPool {
    sqlx::any::install_default_drivers();
    AnyPoolOptions::new().max_connections(2).connect(url).await.unwrap()
}

/// A server of this process's own. It ends with the process, whose end closes its standard input.
struct PostgresServer {
    folder: PathBuf,
    _process: Child,
}

impl PostgresServer {
    fn shared() -> &'static Self {
        static SERVER: OnceLock<PostgresServer> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        // The script removes it; a static is never dropped.
        let folder = tempfile::Builder::new().prefix("ostiary-postgres-").tempdir().unwrap().keep();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres.sh");
        let mut process = Command::new(script)
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script can be run");
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "PostgreSQL did not start: see above");
        Self { folder, _process: process }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=ostiary", self.folder.display())
    }
}
