//! Tokens that must not open the door: expired, forged, another's, revoked.

use std::time::Duration;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ostiary_common::topics::Channel;
use ostiary_e2e::device::RawDevice;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::{Value, json};

use crate::SOON;

/// Life of a token made to end while it is used.
const SHORT_LIFE: Duration = Duration::from_secs(8);
/// A revoked device is gone within this time.
const KICKED_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_open_nothing() {
    scenario("forged tokens", forged).await;
}

async fn forged(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let device = RawDevice::claim(&server, "entrance").await?;
    let other = RawDevice::claim(&server, "back-door").await?;
    device.connect().await?;
    for (what, token) in forgeries(&device, &other)? {
        ensure!(device.connect_with(&token).await.is_err(), "{what} was let in");
    }
    wait::until_true("refused connections in the audit log", SOON, async || {
        Ok(server.api.audited("mqtt.connect").await?.iter().any(|line| line["result"] == "refused"))
    })
    .await?;
    device.connect().await?;
    api_is_closed(&server, &device).await
}

/// Each with what is wrong with it.
fn forgeries(device: &RawDevice, other: &RawDevice) -> Result<Vec<(&'static str, String)>> {
    let token = device.token();
    let claims = claims_of(token)?;
    let (head, rest) = token.split_once('.').unwrap_or_default();
    let (body, signature) = rest.split_once('.').unwrap_or_default();
    let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let mut wider = claims.clone();
    wider["acl"] = json!([{"permission": "allow", "action": "publish", "topic": "#"}]);
    let wider = BASE64.encode(wider.to_string());
    let secret = EncodingKey::from_secret(device.identity.ca_pem.as_bytes());
    Ok(vec![
        ("no token", String::new()),
        ("no JWT", "correct horse".into()),
        ("a token without a signature", format!("{head}.{body}.")),
        ("a token of algorithm none", format!("{none}.{body}.")),
        ("a token with another's claims", format!("{head}.{wider}.{signature}")),
        ("a token signed by the device itself", device.sign(&claims)?),
        ("a token of a shared secret", encode(&Header::new(Algorithm::HS256), &claims, &secret)?),
        ("another device's token", other.token().into()),
        ("the device's own assertion", device.sign(&json!({"sub": device.identity.device, "aud": "ostiary-device"}))?),
    ])
}

fn claims_of(token: &str) -> Result<Value> {
    let body = token.split('.').nth(1).unwrap_or_default();
    Ok(serde_json::from_slice(&BASE64.decode(body)?)?)
}

/// A device's token is no person's, and no token is none.
async fn api_is_closed(server: &Server, device: &RawDevice) -> Result<()> {
    let garbage = [None, Some("x.y.z".to_owned()), Some(device.token().to_owned()), Some(device.sign(&json!({}))?)];
    for token in garbage {
        let api = server.api.with_token(token);
        for path in ["/api/v1/events", "/api/v1/persons", "/api/v1/gallery", "/api/v1/audit"] {
            let answer = api.try_get(path).await?;
            ensure!(answer.status == 401, "{path} answered {} without a person's token", answer.status);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_opens_nothing_and_is_renewed() {
    scenario("expired token", expired).await;
}

async fn expired(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let mut device = RawDevice::claim(&server, "entrance").await?;
    let now = claims_of(device.token())?["iat"].as_u64().unwrap_or_default();
    for (what, nbf, exp) in
        [("an expired token", now - 3600, now - 120), ("a token of the future", now + 600, now + 900)]
    {
        let token = resigned(&server, &device, nbf, exp)?;
        ensure!(device.connect_with(&token).await.is_err(), "{what} was let in");
    }
    // The broker ends the session with the token it was opened with.
    let short = resigned(&server, &device, now, now + SHORT_LIFE.as_secs())?;
    let mut session = device.connect_with(&short).await?;
    session.ended(SHORT_LIFE + SOON).await?;
    ensure!(device.connect_with(&short).await.is_err(), "the token was let in after its time");
    let before = device.token().to_owned();
    device.renew().await?;
    ensure!(device.token() != before, "the token was not renewed");
    device.connect().await?;
    Ok(())
}

/// The device's token with another life, signed by the server's own key.
fn resigned(server: &Server, device: &RawDevice, nbf: u64, exp: u64) -> Result<String> {
    let mut claims = claims_of(device.token())?;
    claims["nbf"] = json!(nbf);
    claims["exp"] = json!(exp);
    let key = EncodingKey::from_ed_pem(server.token_key_pem()?.as_bytes())?;
    Ok(encode(&jsonwebtoken::decode_header(device.token())?, &claims, &key)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_gone_within_seconds() {
    scenario("revoked device", revoked).await;
}

async fn revoked(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let device = RawDevice::claim(&server, "entrance").await?;
    let mut session = device.connect().await?;
    session.subscribe(&device.topic(&Channel::EventsAck)).await?;
    let id = device.identity.device;
    server.api.post(&format!("/api/v1/devices/{id}/revoke"), &json!({})).await?.ok()?;
    session.ended(KICKED_WITHIN).await?;
    ensure!(device.connect().await.is_err(), "a revoked device was let in");
    let answer = device.ask_token().await?;
    ensure!([401, 403].contains(&answer.status), "a revoked device was given a token: {}", answer.status);
    Ok(())
}
