//! Running the real server: what its log tells of one request and one event, errors by kind, a certificate that is
//! renewed, and an end that finishes what is under way.

use std::fs;

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::text;
use ostiary_e2e::server::{LOGIN, PASSWORD, Server};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{tls, wait};
use rcgen::{CertificateParams, KeyPair};
use reqwest::Client;
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use uuid::Uuid;

use crate::SOON;

const LOG: &str = "[log]\nlevel = \"debug,sqlx=debug\"\nformat = \"json\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_those_need_who_run_the_server() {
    scenario("operations", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let (chain, key) = (stage.file("chain.pem"), stage.file("key.pem"));
    let http = format!("[http]\ncertificate_file = \"{}\"\nkey_file = \"{}\"\n", chain.display(), key.display());
    let mut server = Server::start_with(stage, &format!("{http}\n{LOG}")).await?;
    a_request_is_followed_into_the_store(&server).await?;
    an_error_is_shown(&server).await?;
    a_certificate_is_taken_on_hang_up(&server, &chain, &key).await?;
    what_is_under_way_is_finished(&mut server).await
}

/// Lines of the server's log, as JSON.
fn lines(server: &Server) -> Vec<Value> {
    server.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// One id, from a header that came in to the statement the store runs for it.
async fn a_request_is_followed_into_the_store(server: &Server) -> Result<()> {
    let id = Uuid::now_v7().to_string();
    let ca = reqwest::Certificate::from_pem(server.ca_pem.as_bytes())?;
    let client = Client::builder().tls_certs_only([ca]).build()?;
    let asked = client.get(format!("{}/api/v1/sites", server.api.base())).header("x-request-id", &id);
    let answer = asked.bearer_auth(server.api.token().context("a token")?).send().await?;
    ensure!(answer.headers()["x-request-id"] == id.as_str(), "another id: {:?}", answer.headers());
    let told = |line: &Value, target: &str| {
        let spans = line["spans"].as_array().into_iter().flatten();
        let within = spans.filter(|span| span["name"] == "http").any(|span| span["request.id"] == id.as_str());
        within && line["target"].as_str().is_some_and(|of| of.starts_with(target))
    };
    wait::until_true("the request's id at a statement of the store", SOON, async || {
        let lines = lines(server);
        let statement = |line: &&Value| told(line, "sqlx::query") && line.to_string().contains("sites");
        Ok(lines.iter().find(statement).is_some() && lines.iter().any(|line| told(line, "ostiary_server::http")))
    })
    .await
}

/// The files of the certificate are not there: the server runs all the same, and says so.
async fn an_error_is_shown(server: &Server) -> Result<()> {
    let errors = server.api.get("/api/v1/errors").await?;
    let items = errors["items"].as_array().context("errors")?;
    let refused =
        |item: &&Value| item["message"].as_str().is_some_and(|words| words.contains("certificate for browsers"));
    let refused = items.iter().find(refused).with_context(|| format!("not among the errors: {errors}"))?;
    ensure!(refused["kind"] == "error" && refused["count"].as_u64() >= Some(1), "{refused}");
    ensure!(refused["stack"].as_str().is_some_and(|stack| stack.contains("certificates.rs")), "{refused}");
    ensure!(part(server, "certificates").await?["status"] == "degraded", "the part does not show it");
    let resolve = format!("/api/v1/errors/{}/resolve", text(refused, "fingerprint")?);
    server.api.post(&resolve, &Value::Null).await?.ok()?;
    Ok(())
}

async fn part(server: &Server, name: &str) -> Result<Value> {
    let health = server.api.get("/api/v1/health").await?;
    let found = health["parts"].as_array().and_then(|parts| parts.iter().find(|part| part["part"] == name).cloned());
    found.with_context(|| format!("{name} is not in {health}"))
}

async fn a_certificate_is_taken_on_hang_up(
    server: &Server,
    chain: &std::path::Path,
    key: &std::path::Path,
) -> Result<()> {
    let made = KeyPair::generate()?;
    let issued = CertificateParams::new(vec!["panel.example".into()])?.self_signed(&made)?;
    fs::write(key, made.serialize_pem())?;
    fs::write(chain, issued.pem())?;
    server.signal("HUP")?;
    wait::until_true("the new certificate to be shown", SOON, async || {
        Ok(connect(server, &issued.pem(), "panel.example").await.is_ok())
    })
    .await?;
    wait::until_true("the part to be well again", SOON, async || {
        Ok(part(server, "certificates").await?["status"] == "ok")
    })
    .await
}

async fn connect(server: &Server, trusted: &str, name: &'static str) -> Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(&server.endpoints.https).await?;
    Ok(TlsConnector::from(tls::client(trusted)?).connect(ServerName::try_from(name)?, stream).await?)
}

async fn what_is_under_way_is_finished(server: &mut Server) -> Result<()> {
    let body = json!({"login": LOGIN, "password": PASSWORD}).to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let mut slow = connect(server, &server.ca_pem, "localhost").await?;
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{first}",
        body.len()
    );
    slow.write_all(head.as_bytes()).await?;
    slow.flush().await?;
    // It is under way once another one that came after it was answered.
    server.api.get("/api/v1/me").await?;
    server.signal("TERM")?;
    wait::until_true("new connections to be refused", SOON, async || {
        Ok(TcpStream::connect(&server.endpoints.https).await.is_err())
    })
    .await?;
    slow.write_all(second.as_bytes()).await?;
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 200 OK"), "a request under way was not finished: {answer}");
    server.stop().await
}
