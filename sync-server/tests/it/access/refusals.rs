//! Refusals, as they were met and as the audit log has them.

use std::collections::BTreeMap;

use ostiary_server::domain::audit::AuditResult;
use ostiary_server::ports::LedgerStore;

use super::expected::Outcome;

/// How often each actor was refused, by action.
pub type Refusals = BTreeMap<(String, &'static str), u64>;

/// What a refusal is called in the audit log.
pub const fn action(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Done => None,
        Outcome::NotSignedIn => Some("api.token"),
        Outcome::NotAllowed => Some("api.forbidden"),
        Outcome::Hidden => Some("api.out_of_reach"),
    }
}

/// What the audit log has. Of a flood it has a few lines, which tell how many more there were.
pub async fn audited(store: &dyn LedgerStore) -> Refusals {
    let (mut found, mut after) = (Refusals::new(), 0);
    loop {
        let lines = store.audit_walk(after, 500).await.unwrap();
        let Some(last) = lines.last() else { return found };
        after = last.point.seq;
        for entry in lines.into_iter().map(|line| line.entry).filter(|entry| entry.result == AuditResult::Refused) {
            let known = ["api.token", "api.forbidden", "api.out_of_reach"].into_iter().find(|a| *a == entry.action);
            let Some(action) = known else { continue };
            *found.entry((entry.actor, action)).or_default() += times(&entry.detail);
        }
    }
}

/// How many refusals a line stands for.
fn times(detail: &str) -> u64 {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    if let Some(more) = detail.strip_suffix(" more refusals, not written one by one").and_then(number) {
        return more;
    }
    let more = detail.rsplit_once("(and ").and_then(|(_, rest)| rest.strip_suffix(" more like it)"));
    1 + more.and_then(number).unwrap_or(0)
}
