//! How the servers over one store are.

use std::time::Duration;

use super::Finding;
use crate::domain::replica::ReplicaSeen;

/// A server beats every two seconds; one that is silent for longer is gone, or cannot reach the store.
const SILENT: Duration = Duration::from_secs(10);
/// Who went without a word is told of for so long.
const TOLD_FOR: Duration = Duration::from_secs(600);

/// How the servers are, as one of them that runs `version` sees it.
#[must_use]
pub fn replicas(seen: &[ReplicaSeen], version: &str) -> Finding {
    let (there, mut gone): (Vec<_>, Vec<_>) =
        seen.iter().filter(|replica| replica.ago < TOLD_FOR).partition(|replica| replica.ago < SILENT);
    // A server that died and was started again is another run under the same name.
    gone.retain(|replica| !there.iter().any(|other| other.card.name == replica.card.name));
    if !gone.is_empty() {
        let names: Vec<_> = gone.iter().map(|one| format!("{} (for {} s)", one.card.name, one.ago.as_secs())).collect();
        let cause = format!("of {} servers these went without a word: {}", there.len() + gone.len(), names.join(", "));
        return Finding::degraded(cause, "see whether they run and reach the database");
    }
    if !there.is_empty() && !there.iter().any(|replica| replica.leads) {
        let advice = "one takes over within seconds; if not, see whether servers can write to the database";
        return Finding::degraded("no server leads", advice);
    }
    if let Some(other) = there.iter().find(|replica| replica.card.version != version) {
        let cause = format!("{} runs version {}, this server {version}", other.card.name, other.card.version);
        return Finding::degraded(cause, "bring all servers to one version");
    }
    Finding::ok()
}

#[cfg(test)]
mod tests {
    use ostiary_common::time::UnixMillis;

    use super::*;
    use crate::domain::health::Level;
    use crate::domain::replica::{ReplicaCard, ReplicaId};

    fn seen(ago_s: u64, leads: bool, version: &str) -> ReplicaSeen {
        let card = ReplicaCard {
            id: ReplicaId::generate(),
            name: "desk".into(),
            version: version.into(),
            started_at: UnixMillis(0),
        };
        ReplicaSeen { card, ago: Duration::from_secs(ago_s), leads }
    }

    #[test]
    fn says_who_is_missing() {
        let check = |of: &[ReplicaSeen], expected: Level, words: &str| {
            let found = replicas(of, "1");
            assert_eq!(found.level, expected, "{found:?}");
            assert!(found.cause.contains(words), "{found:?}");
        };
        check(&[], Level::Ok, "");
        check(&[seen(1, true, "1"), seen(2, false, "1")], Level::Ok, "");
        let lost = |mut replica: ReplicaSeen| {
            replica.card.name = "hall".into();
            replica
        };
        check(&[seen(1, true, "1"), lost(seen(20, false, "1"))], Level::Degraded, "hall (for 20 s)");
        check(&[seen(1, true, "1"), seen(20, false, "1")], Level::Ok, "");
        check(&[seen(1, true, "1"), lost(seen(900, false, "1"))], Level::Ok, "");
        check(&[seen(1, false, "1")], Level::Degraded, "no server leads");
        check(&[seen(1, true, "1"), seen(1, false, "2")], Level::Degraded, "version 2");
    }
}
