//! Several servers over one store: who they are, who of them does what one must do for all, and what they tell each
//! other of.

use std::fmt;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use uuid::Uuid;

/// One run of one server: another one after every start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(pub Uuid);

impl ReplicaId {
    /// A new id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id's 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a server shows itself to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaCard {
    /// Which run.
    pub id: ReplicaId,
    /// What people call it.
    pub name: String,
    /// Of the program.
    pub version: String,
    /// Since when, by its own clock.
    pub started_at: UnixMillis,
}

/// A server as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSeen {
    /// Who.
    pub card: ReplicaCard,
    /// How long ago it was heard of, by the store's clock.
    pub ago: Duration,
    /// Whether it leads.
    pub leads: bool,
}

/// Rises each time a lease changes hands: what was done under an older one can be told from what is done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub i64);

/// What servers keep in memory, or pass on, and must hear of when another one changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Committed events; the number is their newest cursor.
    Events,
    /// The gallery; the number is its revision.
    Gallery,
    /// Whatever may end somebody's standing, or change it.
    Accounts,
    /// Documents that admins set.
    Settings,
    /// Devices' certificates: the list of revoked ones is to be written anew.
    Certificates,
    /// Completed erasures.
    Erasures,
    /// The CA and the keys that sign tokens.
    Secrets,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 7] = [
        Self::Events,
        Self::Gallery,
        Self::Accounts,
        Self::Settings,
        Self::Certificates,
        Self::Erasures,
        Self::Secrets,
    ];

    /// Its name in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Gallery => "gallery",
            Self::Accounts => "accounts",
            Self::Settings => "settings",
            Self::Certificates => "certificates",
            Self::Erasures => "erasures",
            Self::Secrets => "secrets",
        }
    }

    /// Reads a name; `None` of a topic this program does not know.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }
}

/// Where every topic stands: numbers that only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse([i64; Topic::ALL.len()]);

impl Pulse {
    /// Where a topic stands.
    #[must_use]
    pub const fn of(&self, topic: Topic) -> i64 {
        self.0[topic as usize]
    }

    /// Says where a topic stands.
    pub const fn set(&mut self, topic: Topic, number: i64) {
        self.0[topic as usize] = number;
    }

    /// The topics that stand elsewhere than in `before`.
    pub fn since(self, before: Self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.of(*topic) != before.of(*topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_names_and_places_of_their_own() {
        let mut pulse = Pulse::default();
        for (number, topic) in (1..).zip(Topic::ALL) {
            assert_eq!(Topic::parse(topic.as_str()), Some(topic));
            pulse.set(topic, number);
        }
        for (number, topic) in (1..).zip(Topic::ALL) {
            assert_eq!(pulse.of(topic), number);
        }
        assert_eq!(Topic::parse("weather"), None);
    }

    #[test]
    fn tells_what_changed_and_nothing_else() {
        let mut later = Pulse::default();
        later.set(Topic::Accounts, 3);
        assert_eq!(later.since(Pulse::default()).collect::<Vec<_>>(), [Topic::Accounts]);
        assert_eq!(later.since(later).count(), 0);
    }
}
