//! The server's device API over HTTPS: claim, nonce, token.

use std::time::Duration;

use ostiary_common::identity::{
    CLAIM_PATH, ClaimRequest, ClaimResponse, NONCE_PATH, NonceRequest, NonceResponse, TOKEN_PATH, TokenRequest,
    TokenResponse,
};
use ostiary_common::ids::{DeviceId, PackId};
use reqwest::StatusCode;
use reqwest::header::{RANGE, RETRY_AFTER};
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tls::PIN_MISMATCH;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Where archives of packs lie.
const PACK_PATH: &str = "/api/v1/device/model-packs";
/// The longest an archive may take in one attempt.
const PACK_TIMEOUT: Duration = Duration::from_secs(3600);
/// The largest answer read, bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Why the server gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No connection.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why, down to the last cause.
        reason: String,
    },
    /// The server is not of the CA pinned.
    #[error("{url} is not the server expected: {PIN_MISMATCH}; compare it with what the server shows")]
    WrongPin {
        /// Where.
        url: String,
    },
    /// The server refuses for good: what was sent must change.
    #[error("the server refuses ({status}): {detail}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// The problem type's last part, or nothing.
        slug: String,
        /// The server's words.
        detail: String,
    },
    /// The server asks for patience.
    #[error("the server asks to try again in {} s", .0.as_secs())]
    Later(Duration),
    /// The answer is not of the expected shape.
    #[error("the server's answer cannot be understood: {0}")]
    Malformed(String),
}

impl ApiError {
    /// The connection broke while an answer came.
    #[must_use]
    pub fn broken(error: &reqwest::Error) -> Self {
        unreachable("the server", error)
    }
}

/// A client of the device API.
#[derive(Clone, Debug)]
pub struct DeviceApi {
    client: reqwest::Client,
    base: String,
}

impl DeviceApi {
    /// A client for the server at `base`, for example `https://server:8443`.
    ///
    /// # Errors
    /// [`ApiError::Unreachable`] if the client cannot be made.
    pub fn new(base: &str, tls: ClientConfig) -> Result<Self, ApiError> {
        let base = base.trim_end_matches('/').to_owned();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| unreachable(&base, &error))?;
        Ok(Self { client, base })
    }

    /// Claims an identity.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn claim(&self, request: &ClaimRequest) -> Result<ClaimResponse, ApiError> {
        self.post(CLAIM_PATH, request).await
    }

    /// Asks for a nonce.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn nonce(&self, device: DeviceId) -> Result<String, ApiError> {
        Ok(self.post::<_, NonceResponse>(NONCE_PATH, &NonceRequest { device }).await?.nonce)
    }

    /// Asks for a token.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn token(&self, request: &TokenRequest) -> Result<TokenResponse, ApiError> {
        self.post(TOKEN_PATH, request).await
    }

    /// A pack's archive from `have` bytes on, as it comes; and whether it is only the rest that comes.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn pack(&self, token: &str, id: &PackId, have: u64) -> Result<(reqwest::Response, bool), ApiError> {
        let mut request = self.client.get(format!("{}{PACK_PATH}/{id}", self.base)).bearer_auth(token);
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        // A slow line takes long; what came is kept if it breaks.
        let sent = request.timeout(PACK_TIMEOUT).send().await;
        let response = sent.map_err(|error| unreachable(&self.base, &error))?;
        let status = response.status();
        if status.is_success() {
            return Ok((response, status == StatusCode::PARTIAL_CONTENT));
        }
        let wait = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(ApiError::Later(Duration::from_secs(wait.unwrap_or(5))));
        }
        Err(refused(status, &self.read(response).await?))
    }

    async fn post<Q: Serialize, A: DeserializeOwned>(&self, path: &str, question: &Q) -> Result<A, ApiError> {
        let sent = self.client.post(format!("{}{path}", self.base)).json(question).send().await;
        let response = sent.map_err(|error| unreachable(&self.base, &error))?;
        let status = response.status();
        let wait = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        let body = self.read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| ApiError::Malformed(error.to_string()));
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(ApiError::Later(Duration::from_secs(wait.unwrap_or(5))));
        }
        Err(refused(status, &body))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>, ApiError> {
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| unreachable(&self.base, &error))? {
            if body.len() + part.len() > MAX_ANSWER_BYTES {
                return Err(ApiError::Malformed(format!("longer than {MAX_ANSWER_BYTES} bytes")));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }
}

fn refused(status: StatusCode, body: &[u8]) -> ApiError {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    let slug = text("type").rsplit([':', '/']).next().unwrap_or_default().to_owned();
    let detail = [text("detail"), text("title")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    ApiError::Refused { status, slug, detail }
}

/// The whole chain of causes, for the outermost one only says "error sending request".
fn unreachable(url: &str, error: &(dyn std::error::Error + 'static)) -> ApiError {
    let causes: Vec<String> =
        std::iter::successors(Some(error), |cause| cause.source()).map(ToString::to_string).collect();
    if causes.iter().any(|cause| cause.contains(PIN_MISMATCH)) {
        return ApiError::WrongPin { url: url.to_owned() };
    }
    ApiError::Unreachable { url: url.to_owned(), reason: causes.last().cloned().unwrap_or_default() }
}
