//! Extractors whose refusals are problems.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::ApiError;

/// A JSON body.
pub struct Json<T>(pub T);

/// Values of the query string.
pub struct Queried<T>(pub T);

/// The id in the path.
pub struct InPath<T>(pub T);

/// Where a request comes from. Headers of proxies are not believed: anybody can send them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub SocketAddr);

impl ClientAddress {
    /// The address to count by: a host of IPv4, a /64 network of IPv6, which is what one subscriber has.
    pub fn network(&self) -> IpAddr {
        match self.0.ip().to_canonical() {
            IpAddr::V4(ip) => IpAddr::V4(ip),
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & (u128::MAX << 64)).into()),
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let axum::Json(value) = axum::Json::<T>::from_request(request, state).await.map_err(json_refused)?;
        Ok(Self(value))
    }
}

fn json_refused(rejection: JsonRejection) -> ApiError {
    let words = rejection.body_text();
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            ApiError::UnsupportedMediaType("send JSON with the header `Content-Type: application/json`".into())
        }
        JsonRejection::JsonDataError(_) => ApiError::Invalid { field: "body", detail: words },
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge(words),
        _ => ApiError::BadRequest(words),
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Queried<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refused = |rejection: QueryRejection| ApiError::BadRequest(rejection.body_text());
        let Query(value) = Query::<T>::from_request_parts(parts, state).await.map_err(refused)?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refused = |rejection: PathRejection| ApiError::BadRequest(rejection.body_text());
        let Path(value) = Path::<T>::from_request_parts(parts, state).await.map_err(refused)?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        address.map(|ConnectInfo(a)| Self(*a)).ok_or_else(|| ApiError::Internal("no peer address".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_subscriber_as_one() {
        let check = |address: &str, expected: &str| {
            assert_eq!(ClientAddress(address.parse().unwrap()).network(), expected.parse::<IpAddr>().unwrap());
        };
        check("10.1.2.3:99", "10.1.2.3");
        check("[::ffff:10.1.2.3]:99", "10.1.2.3");
        check("[2001:db8:1:2:aaaa::1]:99", "2001:db8:1:2::");
    }
}
