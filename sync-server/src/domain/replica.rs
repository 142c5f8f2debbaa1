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

/// A time during which one server does what one must do for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Term(i64);

impl Term {
    /// Of the server that has the lease.
    #[must_use]
    pub const fn elected(fence: Fence) -> Self {
        Self(fence.0)
    }

    /// Of one run of a server that is alone: no lease stands behind it, and no other run has the same number.
    #[must_use]
    pub fn alone(run: ReplicaId) -> Self {
        let number = i64::try_from(run.0.as_u128() & 0x7FFF_FFFF_FFFF_FFFF).unwrap_or(i64::MAX);
        Self(-1 - number)
    }

    /// The lease's fence; `None` of a server that is alone.
    #[must_use]
    pub const fn fence(self) -> Option<Fence> {
        if self.0 < 0 { None } else { Some(Fence(self.0)) }
    }

    /// As it is kept with what was taken up under it.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

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
    /// Who was told what, and what is to be sent.
    Notices,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 8] = [
        Self::Events,
        Self::Gallery,
        Self::Accounts,
        Self::Settings,
        Self::Certificates,
        Self::Erasures,
        Self::Secrets,
        Self::Notices,
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
            Self::Notices => "notices",
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
    fn terms_are_told_apart() {
        assert_eq!(Term::elected(Fence(7)).fence(), Some(Fence(7)));
        for run in [Uuid::nil(), Uuid::max(), Uuid::now_v7()] {
            let term = Term::alone(ReplicaId(run));
            assert_eq!(term.fence(), None, "{run}");
            assert!(term.number() < 0, "{run}");
        }
        assert_ne!(Term::alone(ReplicaId::generate()), Term::alone(ReplicaId::generate()));
    }

    #[test]
    fn tells_what_changed_and_nothing_else() {
        let mut later = Pulse::default();
        later.set(Topic::Accounts, 3);
        assert_eq!(later.since(Pulse::default()).collect::<Vec<_>>(), [Topic::Accounts]);
        assert_eq!(later.since(later).count(), 0);
    }
}
