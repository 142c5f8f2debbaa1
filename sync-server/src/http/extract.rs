//! Extractors whose refusals are problems.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use garde::Validate;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::body::read_json;
use super::problem::{ApiError, FieldError};
use super::rules;

/// A JSON body whose every value is allowed, by the rules at its type. There is no extractor without rules: what has none
/// says so, value by value.
pub struct Valid<T>(pub T);

/// Values of the query string, every one of them allowed.
pub struct ValidQuery<T>(pub T);

/// The id in the path; it can be read or it is none.
pub struct InPath<T>(pub T);

/// A text in the path, such as a name: short and without control characters. What it names may still not be there.
pub struct TextInPath(pub String);

/// What a [`TextInPath`] may be.
#[derive(Deserialize, Validate)]
#[garde(transparent)]
struct PathText(#[garde(length(min = 1, max = 200), custom(rules::plain))] String);

/// Where a request comes from: the connection's other end, or what trusted proxies say of it ([`super::forwarded`]).
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

impl<S: Send + Sync, T: DeserializeOwned + Validate<Context = ()>> FromRequest<S> for Valid<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let value: T = read_json(request, state).await?;
        check(&value, FieldError::of_body)?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Validate<Context = ()>> FromRequestParts<S> for ValidQuery<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refused = |rejection: QueryRejection| ApiError::BadRequest(rejection.body_text());
        let Query(value) = Query::<T>::from_request_parts(parts, state).await.map_err(refused)?;
        check(&value, FieldError::of_query)?;
        Ok(Self(value))
    }
}

/// Judges values by the rules at their types.
fn check<T: Validate<Context = ()>>(value: &T, place: fn(&str, String) -> FieldError) -> Result<(), ApiError> {
    let Err(report) = value.validate() else { return Ok(()) };
    let fields = report.iter().map(|(path, error)| place(&path.to_string(), error.message().to_owned()));
    Err(ApiError::InvalidFields(fields.collect()))
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refused = |rejection: PathRejection| ApiError::BadRequest(rejection.body_text());
        let Path(value) = Path::<T>::from_request_parts(parts, state).await.map_err(refused)?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TextInPath {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let InPath(text) = InPath::<PathText>::from_request_parts(parts, state).await?;
        text.validate().map_err(|report| ApiError::BadRequest(format!("the path: {}", report.to_string().trim())))?;
        Ok(Self(text.0))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        if let Some(address) = parts.extensions.get::<Self>() {
            return Ok(*address);
        }
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
