//! A server on ports of its own, and a client that is logged in.

use std::future::Future;
use std::sync::Arc;

use ostiary_common::ids::UserId;
use ostiary_server::app::models::Models;
use ostiary_server::app::{self, Lifecycle, Running};
use ostiary_server::config::Config;
use ostiary_server::domain::access::{Grant, Role, Scope};
use ostiary_server::domain::account::{Login, NewAccount};
use ostiary_server::identity::password::{HashCost, Password, Passwords};
use ostiary_server::ports::accounts::AccountStore;
use ostiary_server::ports::{EventStore, LiveFeed};
use ostiary_server::store::sql::SqlStore;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;

use super::calibrated::plain;
use crate::store::sample::NOW;

pub const PASSWORD: &str = "correct horse battery staple";

pub struct World {
    pub dir: TempDir,
    /// The same database, by a connection of the test's own.
    pub store: Arc<SqlStore>,
    pub client: Client,
    pub base: String,
    pub ca_pem: String,
    lifecycle: Arc<Lifecycle>,
    running: Option<Running>,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(edit: impl FnOnce(&mut Config)) -> Self {
        Self::start_of(plain(), edit).await
    }

    pub async fn start_of(models: Models, edit: impl FnOnce(&mut Config)) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let config = config(&dir, edit);
        let store = Arc::new(app::open_store(&config).await.unwrap());
        add_user(&store, "admin", Role::Admin).await;
        add_user(&store, "guard", Role::Operator).await;
        let lifecycle = Arc::new(Lifecycle::default());
        let running = app::start(config, models, lifecycle.clone()).await.unwrap();
        let ca_pem = std::fs::read_to_string(dir.path().join("tls/ca.pem")).unwrap();
        let ca = reqwest::Certificate::from_pem(ca_pem.as_bytes()).unwrap();
        let client = Client::builder().tls_certs_only([ca]).build().unwrap();
        let base = format!("https://{}", running.endpoints.https);
        Self { dir, store, client, base, ca_pem, lifecycle, running: Some(running) }
    }

    pub async fn stop(mut self) {
        self.lifecycle.stop();
        self.running.take().unwrap().wait().await.unwrap();
    }

    /// Stops the server while something is watched.
    pub async fn stop_while(mut self, watching: impl Future<Output = ()>) {
        self.lifecycle.stop();
        watching.await;
        self.running.take().unwrap().wait().await.unwrap();
    }

    /// Tells the live feed, as the link does after a commit.
    pub async fn committed(&self) {
        let newest = self.store.newest_cursor().await.unwrap();
        self.running.as_ref().unwrap().live.committed(newest);
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub async fn login(&self, login: &str, password: &str) -> Response {
        let body = serde_json::json!({"login": login, "password": password});
        self.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap()
    }

    pub async fn signed_in(&self, login: &str) -> Session<'_> {
        let answer: Value = self.login(login, PASSWORD).await.json().await.unwrap();
        Session { world: self, token: answer["access_token"].as_str().unwrap().to_owned() }
    }

    pub async fn admin(&self) -> Session<'_> {
        self.signed_in("admin").await
    }
}

/// Requests of one account.
pub struct Session<'a> {
    pub world: &'a World,
    pub token: String,
}

impl Session<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.world.request(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::DELETE, path)).await
    }

    pub async fn photo(&self, person: &str, bytes: Vec<u8>) -> (u16, Value) {
        answer(self.request(Method::POST, &format!("/api/v1/persons/{person}/photos")).body(bytes)).await
    }

    pub async fn photo_insisting(&self, person: &str, bytes: Vec<u8>) -> (u16, Value) {
        answer(self.request(Method::POST, &format!("/api/v1/persons/{person}/photos?insist=true")).body(bytes)).await
    }

    pub async fn person(&self, name: &str) -> String {
        let (status, person) = self.post("/api/v1/persons", serde_json::json!({"name": name, "consent": true})).await;
        assert_eq!(status, 201, "{person}");
        person["id"].as_str().unwrap().to_owned()
    }
}

pub async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// The last part of a problem's type.
pub fn slug(problem: &Value) -> &str {
    problem["type"].as_str().and_then(|kind| kind.strip_prefix("urn:ostiary:problem:")).unwrap_or("no problem")
}

/// The answer with what differs from run to run taken out.
pub fn redacted(answer: &Value, pointers: &[&str]) -> Value {
    let mut answer = answer.clone();
    for pointer in pointers {
        *answer.pointer_mut(pointer).expect("what is to be taken out is there") = "[id]".into();
    }
    answer
}

fn config(dir: &TempDir, edit: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    config.server.data_dir = dir.path().to_owned();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.server.shutdown_grace_s = 1;
    config.broker.listen = "127.0.0.1:0".parse().unwrap();
    edit(&mut config);
    config.validate().unwrap();
    config
}

async fn add_user(store: &SqlStore, login: &str, role: Role) {
    add_account(store, login, vec![Grant { role, scope: Scope::Everything }]).await;
}

/// An account with the world's password.
pub async fn add_account(store: &SqlStore, login: &str, grants: Vec<Grant>) -> UserId {
    let password_hash = Passwords::new(HashCost::default()).unwrap().hash(Password::new(PASSWORD)).await.unwrap();
    let account = NewAccount::person(Login::parse(login).unwrap(), password_hash, grants, NOW);
    store.add_account(&account).await.unwrap();
    account.id
}
