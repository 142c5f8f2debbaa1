//! The id of the request at hand: in its answer, in problems, in logs and in the audit log.

use axum::http::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: RequestId;
}

/// A request's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// The id that came with the request if it is a UUID, so that what an integrator's log says can be found in ours;
    /// else one of our own. Anything else than a UUID could be used to confuse the log.
    pub fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(REQUEST_ID).and_then(|value| Uuid::try_parse_ascii(value.as_bytes()).ok());
        Self(sent.filter(|id| !id.is_nil()).unwrap_or_else(Uuid::now_v7))
    }

    /// Runs a request's work under its id.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The id of the request whose work this is; empty outside of one.
    pub fn current() -> String {
        CURRENT.try_with(|id| id.0.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_uuids_and_nothing_else() {
        let check = |sent: &str, taken: bool| {
            let headers = HeaderMap::from_iter([(REQUEST_ID, sent.parse().unwrap())]);
            assert_eq!(RequestId::of(&headers).0.to_string() == sent, taken, "{sent}");
        };
        check("01a1fbf4-6ba3-75d3-87f4-fee01a1eec83", true);
        check("00000000-0000-0000-0000-000000000000", false);
        check("7; level=error", false);
        check("", false);
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn is_known_within_the_request() {
        let id = RequestId::of(&HeaderMap::new());
        assert_eq!(id.scope(async { RequestId::current() }).await, id.0.to_string());
        assert_eq!(RequestId::current(), "");
    }
}
