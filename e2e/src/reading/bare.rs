//! The peer: a handler of the same framework and database library, over the same TLS, that runs the query of the list of
//! events and writes its rows as JSON. It asks for no token, counts nothing, opens nothing sealed and reads no record.

use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use axum_server::tls_rustls::RustlsConfig;
use serde::Serialize;
use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use tokio::task::JoinHandle;

pub(super) const PATH: &str = "/events";
/// As many as the server reads with on either database.
const CONNECTIONS: u32 = 4;

const QUERY: &str = "SELECT e.cursor, e.event_id, e.device, e.site, e.door, e.at, e.stored_at, e.kind, e.person,
    e.record, p.name_sealed FROM events e LEFT JOIN persons p ON p.id = e.person
    ORDER BY e.at DESC, e.cursor DESC LIMIT 50";

/// A server of one route; ended when dropped.
pub(super) struct Bare {
    pub(super) base: String,
    task: JoinHandle<()>,
}

#[derive(sqlx::FromRow)]
struct Row {
    cursor: i64,
    event_id: Vec<u8>,
    device: Vec<u8>,
    site: Vec<u8>,
    door: Vec<u8>,
    at: i64,
    stored_at: i64,
    kind: String,
    person: Option<Vec<u8>>,
    record: Vec<u8>,
    name_sealed: Option<Vec<u8>>,
}

#[derive(Serialize)]
struct Item {
    cursor: i64,
    id: String,
    device: String,
    site: String,
    door: String,
    at: i64,
    stored_at: i64,
    kind: String,
    person: Option<String>,
    record: String,
    name: Option<String>,
}

impl From<Row> for Item {
    fn from(row: Row) -> Self {
        Self {
            cursor: row.cursor,
            id: hex::encode(row.event_id),
            device: hex::encode(row.device),
            site: hex::encode(row.site),
            door: hex::encode(row.door),
            at: row.at,
            stored_at: row.stored_at,
            kind: row.kind,
            person: row.person.map(hex::encode),
            record: hex::encode(row.record),
            name: row.name_sealed.map(hex::encode),
        }
    }
}

impl Bare {
    pub(super) async fn start(url: &str, [chain, key]: [PathBuf; 2]) -> Result<Self> {
        let pool = AnyPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
        let tls = RustlsConfig::from_pem_file(chain, key).await.context("the server's certificate")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let base = format!("https://{}", listener.local_addr()?);
        let app = Router::new().route(PATH, get(events)).with_state(pool);
        let serving = axum_server::from_tcp_rustls(listener, tls)?.serve(app.into_make_service());
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                eprintln!("the bare handler ended: {error}");
            }
        });
        Ok(Self { base, task })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn events(State(pool): State<AnyPool>) -> Result<Json<Vec<Item>>, StatusCode> {
    let rows: Vec<Row> = sqlx::query_as(QUERY).fetch_all(&pool).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(rows.into_iter().map(Item::from).collect()))
}
