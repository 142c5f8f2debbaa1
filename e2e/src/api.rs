//! The server's HTTP API, as an integrator would call it. The plain calls are here, those with a meaning in
//! `requests.rs`.

mod requests;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Certificate, Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::tls;

/// What the server answered, refusals included.
#[derive(Debug)]
pub struct Answer {
    /// Method and path asked.
    pub asked: String,
    /// HTTP status.
    pub status: u16,
    /// The JSON answered, null if there was none.
    pub body: Value,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
}

impl Answer {
    /// The body of a success.
    ///
    /// # Errors
    /// If the server refused; the problem is in the message.
    pub fn ok(self) -> Result<Value> {
        ensure!((200..300).contains(&self.status), "{} was refused: {} {}", self.asked, self.status, self.body);
        Ok(self.body)
    }

    /// Checks that the server refused as it should: this status, a problem of this kind, and words for people.
    ///
    /// # Errors
    /// If it did not.
    pub fn refused(&self, status: u16, slug: &str) -> Result<()> {
        let Self { asked, body, .. } = self;
        ensure!(self.status == status, "{asked}: status {} instead of {status}: {body}", self.status);
        check_problem(body, slug).with_context(|| asked.clone())
    }
}

/// Checks that a problem is of the kind expected and says something to a person.
///
/// # Errors
/// If it does not.
pub fn check_problem(problem: &Value, slug: &str) -> Result<()> {
    let kind = problem["type"].as_str().unwrap_or_default();
    ensure!(kind.ends_with(&format!(":{slug}")), "problem type `{kind}` instead of `{slug}`: {problem}");
    for words in ["title", "detail"] {
        ensure!(problem[words].as_str().is_some_and(|text| text.len() > 5), "no {words} in {problem}");
    }
    Ok(())
}

/// A client with or without an account's token.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    http: Client,
    token: Option<String>,
}

impl Api {
    /// A client of the server at `host:port`, trusting `ca_pem` only.
    ///
    /// # Errors
    /// If the CA is no certificate.
    pub fn new(address: &str, ca_pem: &str) -> Result<Self> {
        tls::install_provider();
        let ca = Certificate::from_pem(ca_pem.as_bytes()).context("the CA's PEM")?;
        let http = Client::builder().tls_certs_only([ca]).timeout(Duration::from_secs(60)).build()?;
        Ok(Self { base: format!("https://{address}"), http, token: None })
    }

    /// The same client with another token, or none.
    #[must_use]
    pub fn with_token(&self, token: Option<String>) -> Self {
        Self { token, ..self.clone() }
    }

    /// Logs in and keeps the token.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn login(&self, login: &str, password: &str) -> Result<Self> {
        let body = json!({"login": login, "password": password});
        let answer = self.post("/api/v1/auth/login", &body).await?.ok()?;
        let token = answer["access_token"].as_str().context("an access token")?;
        Ok(self.with_token(Some(token.to_owned())))
    }

    /// The token, if logged in.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Where the server is, `https://host:port`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET`, with a success expected.
    ///
    /// # Errors
    /// If the server refuses or does not answer.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, |request| request).await?.ok()
    }

    /// `GET`, with any answer.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn try_get(&self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, |request| request).await
    }

    /// `GET` of what is not JSON.
    ///
    /// # Errors
    /// If the server refuses or does not answer.
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>> {
        let response = self.request(Method::GET, path).send().await?.error_for_status()?;
        Ok(response.bytes().await?.to_vec())
    }

    /// `POST` of JSON.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::POST, path, |request| request.json(body)).await
    }

    /// `POST` of bytes.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn post_bytes(&self, path: &str, kind: &str, bytes: Vec<u8>) -> Result<Answer> {
        self.send(Method::POST, path, |request| request.header("content-type", kind).body(bytes)).await
    }

    /// `PUT` of JSON.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::PUT, path, |request| request.json(body)).await
    }

    /// `PUT` of JSON against a version, or `*` for whatever is there.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn put_matching(&self, path: &str, version: &str, body: &Value) -> Result<Answer> {
        self.send(Method::PUT, path, |request| request.header("If-Match", version).json(body)).await
    }

    /// `PATCH` of JSON.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::PATCH, path, |request| request.json(body)).await
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(Method::DELETE, path, |request| request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer> {
        let asked = format!("{method} {path}");
        let response = fill(self.request(method, path)).send().await.with_context(|| asked.clone())?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after_s = retry_after.and_then(|text| text.parse().ok());
        let bytes = response.bytes().await.with_context(|| asked.clone())?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { asked, status, body, retry_after_s })
    }
}

/// A text of a JSON object.
///
/// # Errors
/// If it is not there.
pub fn text(object: &Value, key: &str) -> Result<String> {
    object[key].as_str().map(str::to_owned).with_context(|| format!("`{key}` in {object}"))
}
