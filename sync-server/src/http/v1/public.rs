//! What everybody may know: the keys that check tokens, and the CA.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::api::Api;

/// Keys that check our tokens (RFC 7517).
#[derive(Serialize, ToSchema)]
pub struct Jwks {
    /// The keys.
    keys: Vec<Jwk>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Serialize, ToSchema)]
pub struct Jwk {
    /// The key's name in token headers.
    kid: String,
    /// `OKP`.
    #[schema(value_type = String)]
    kty: &'static str,
    /// `Ed25519`.
    #[schema(value_type = String)]
    crv: &'static str,
    /// `EdDSA`.
    #[schema(value_type = String)]
    alg: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    #[schema(value_type = String)]
    usage: &'static str,
    /// The public key, base64url.
    x: String,
}

/// The keys that check tokens, for brokers and other services.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "jwks", tag = "auth",
    responses((status = 200, description = "The keys", body = Jwks)))]
pub async fn jwks(State(api): State<Api>) -> Json<Jwks> {
    let known = api.tokens.keys();
    let keys = known.all().iter().map(|key| Jwk {
        kid: key.kid.clone(),
        kty: "OKP",
        crv: "Ed25519",
        alg: "EdDSA",
        usage: "sig",
        x: key.x.clone(),
    });
    Json(Jwks { keys: keys.collect() })
}

/// The CA that signs this server's and the broker's certificate.
#[utoipa::path(get, path = "/api/v1/ca.pem", operation_id = "ca", tag = "auth",
    responses((status = 200, description = "The certificate, PEM", content_type = "application/x-pem-file", body = String)))]
pub async fn ca(State(api): State<Api>) -> impl IntoResponse {
    ([("content-type", "application/x-pem-file")], api.authority.certificate_pem().to_owned())
}
