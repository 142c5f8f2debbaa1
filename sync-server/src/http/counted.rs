//! The budgets one request drew on, told in its answer's headers.
//!
//! `RateLimit-Policy` and `RateLimit` as in draft-ietf-httpapi-ratelimit-headers: per budget how many in how many
//! seconds (`q`, `w`), and how many are left, full again after so many seconds (`r`, `t`).

use std::cell::RefCell;
use std::fmt::Write as _;
use std::future::Future;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::throttle::Standing;

/// What a client may do.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Where it stands.
pub const STANDING: HeaderName = HeaderName::from_static("ratelimit");

tokio::task_local! {
    /// Whatever is counted while a request is answered, in layers, extractors or handlers, comes together here.
    static COUNTED: RefCell<Vec<Standing>>;
}

/// Runs a request, and returns what it drew on.
pub async fn during<T>(request: impl Future<Output = T>) -> (T, Vec<Standing>) {
    let counted = async {
        let answer = request.await;
        (answer, COUNTED.with(RefCell::take))
    };
    COUNTED.scope(RefCell::default(), counted).await
}

/// Notes a standing for the request under way; without one (a live connection) nobody is told.
pub fn note(standing: Standing) {
    // Refused only outside of a request.
    let _ = COUNTED.try_with(|counted| {
        let mut counted = counted.borrow_mut();
        counted.retain(|earlier| earlier.budget.name != standing.budget.name);
        counted.push(standing);
    });
}

/// Puts what was counted into the headers.
pub fn tell(headers: &mut HeaderMap, counted: &[Standing]) {
    let Some((policy, standing)) = fields(counted) else { return };
    for (name, text) in [(POLICY, policy), (STANDING, standing)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

fn fields(counted: &[Standing]) -> Option<(String, String)> {
    let (mut policy, mut standings) = (String::new(), String::new());
    for Standing { budget, left, .. } in counted {
        let (name, burst) = (budget.name, budget.burst);
        let comma = if policy.is_empty() { "" } else { ", " };
        let (window, full) = (seconds(budget.refill), seconds(budget.full_in(*left)));
        // Writing to a string does not fail.
        let _ = write!(policy, "{comma}\"{name}\";q={burst};w={window}");
        let _ = write!(standings, "{comma}\"{name}\";r={left};t={full}");
    }
    (!policy.is_empty()).then_some((policy, standings))
}

/// Whole seconds, rounded up: who comes back after them is not early.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::domain::throttle::Budget;

    fn standing(name: &'static str, burst: u32, refill_s: u64, left: u32) -> Standing {
        let burst = NonZeroU32::new(burst).unwrap();
        Standing { budget: Budget { name, burst, refill: Duration::from_secs(refill_s) }, left, wait: None }
    }

    #[tokio::test]
    async fn tells_each_budget_once_as_it_stands_last() {
        note(standing("lost", 1, 1, 1));
        let (answer, counted) = during(async {
            note(standing("address", 500, 10, 499));
            note(standing("photos", 120, 60, 118));
            note(standing("photos", 120, 60, 0));
            7
        })
        .await;
        assert_eq!(answer, 7);
        let mut headers = HeaderMap::new();
        tell(&mut headers, &counted);
        assert_eq!(headers[POLICY], "\"address\";q=500;w=10, \"photos\";q=120;w=60");
        assert_eq!(headers[STANDING], "\"address\";r=499;t=1, \"photos\";r=0;t=60");
    }

    #[tokio::test]
    async fn says_nothing_where_nothing_is_counted() {
        let mut headers = HeaderMap::new();
        tell(&mut headers, &during(async {}).await.1);
        assert!(headers.is_empty());
    }
}
