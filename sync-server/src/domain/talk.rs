//! Conversations: what people say about an event, a person, a door or an unknown visitor. Pure.

use ostiary_common::ids::{DoorId, EventId, PersonId, SiteId, UnknownId, UserId};
use ostiary_common::time::UnixMillis;

use super::notify::{MessageId, ThreadId};

/// The most characters a message may have.
pub const MOST_CHARS: usize = 4_000;
/// The most accounts a message may name, and the most events it may point to.
pub const MOST_NAMED: usize = 20;

/// What somebody looked for, among what they looked for. Rises with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchId(pub uuid::Uuid);

impl SearchId {
    /// A new id, ordered by the present time (UUID version 7).
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7())
    }

    /// The id's 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

/// What a conversation is about. There is one about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// An event.
    Event(EventId),
    /// A person.
    Person(PersonId),
    /// A door.
    Door(DoorId),
    /// Somebody nobody knows, by the visits put together.
    Unknown(UnknownId),
}

impl About {
    /// The kind's name in store and API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Person(_) => "person",
            Self::Door(_) => "door",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The id of what it is about.
    #[must_use]
    pub const fn id(&self) -> uuid::Uuid {
        match self {
            Self::Event(id) => id.0,
            Self::Person(id) => id.0,
            Self::Door(id) => id.0,
            Self::Unknown(id) => id.0,
        }
    }

    /// Reads both.
    #[must_use]
    pub fn parse(kind: &str, id: uuid::Uuid) -> Option<Self> {
        match kind {
            "event" => Some(Self::Event(EventId(id))),
            "person" => Some(Self::Person(PersonId(id))),
            "door" => Some(Self::Door(DoorId(id))),
            "unknown" => Some(Self::Unknown(UnknownId(id))),
            _ => None,
        }
    }
}

/// Whether there is still something to be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThreadState {
    /// Yes.
    #[default]
    Open,
    /// No.
    Resolved,
}

impl ThreadState {
    /// The state's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    /// Reads a state's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Resolved].into_iter().find(|state| state.as_str() == text)
    }
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Id.
    pub id: ThreadId,
    /// What it is about.
    pub about: About,
    /// Whose it is: it ends when the person is removed. Of an event, who was matched.
    pub person: Option<PersonId>,
    /// Where; of a conversation about a person or an unknown visitor, nowhere.
    pub place: Option<(SiteId, DoorId)>,
    /// Whether there is still something to be said.
    pub state: ThreadState,
    /// Whose turn it is.
    pub assignee: Option<UserId>,
    /// Whether it is kept however old it is.
    pub held: bool,
    /// How many messages there are.
    pub messages: u64,
    /// Begun at.
    pub created_at: UnixMillis,
    /// When something was last said or changed.
    pub last_at: UnixMillis,
    /// Rises with every change of state, assignee and hold.
    pub version: u64,
    /// How many messages whoever reads it has not read; their own count as read.
    pub unread: u64,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Id; rises with the time it was written.
    pub id: MessageId,
    /// In which conversation.
    pub thread: ThreadId,
    /// Who wrote it; `None` if the account is gone.
    pub author: Option<UserId>,
    /// When.
    pub at: UnixMillis,
    /// When it was last changed.
    pub edited_at: Option<UnixMillis>,
    /// What it says; `None` if it was taken back.
    pub text: Option<String>,
    /// Whom it names.
    pub mentions: Vec<UserId>,
    /// Which events it points to.
    pub events: Vec<EventId>,
}

/// Why a text cannot be a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// It says nothing.
    #[error("a message must say something")]
    Empty,
    /// It is too long.
    #[error("a message has at most {MOST_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// Characters that show something else than they are.
    #[error("a message must not contain control characters but line ends and tabs (found U+{0:04X})")]
    Control(u32),
}

/// A text as it is kept: without spaces around it.
///
/// # Errors
/// [`InvalidText`].
pub fn text(said: &str) -> Result<String, InvalidText> {
    let text = said.trim();
    let hides = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(control) = text.chars().find(hides) {
        return Err(InvalidText::Control(control.into()));
    }
    match text.chars().count() {
        0 => Err(InvalidText::Empty),
        1..=MOST_CHARS => Ok(text.to_owned()),
        long => Err(InvalidText::TooLong(long)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_something_and_not_too_much() {
        let check = |said: &str, expected: Result<&str, InvalidText>| {
            assert_eq!(text(said), expected.map(str::to_owned));
        };
        check(" He was here \n twice ", Ok("He was here \n twice"));
        check("", Err(InvalidText::Empty));
        check(" \n\t", Err(InvalidText::Empty));
        check("a\u{202e}b", Err(InvalidText::Control(0x202e)));
        check("a\0b", Err(InvalidText::Control(0)));
        check(&"ä".repeat(MOST_CHARS), Ok(&"ä".repeat(MOST_CHARS)));
        check(&"ä".repeat(MOST_CHARS + 1), Err(InvalidText::TooLong(MOST_CHARS + 1)));
        check("<script>alert(1)</script>", Ok("<script>alert(1)</script>"));
    }

    #[test]
    fn what_it_is_about_reads_back() {
        let id = uuid::Uuid::from_u128(7);
        for kind in ["event", "person", "door", "unknown"] {
            let about = About::parse(kind, id).unwrap();
            assert_eq!((about.as_str(), about.id()), (kind, id));
        }
        assert_eq!(About::parse("weather", id), None);
    }
}
