//! What a device was told to do once: who told it, until when it counted, and what came of it.
//!
//! ```text
//! sent --answer--> done | expired | refused | other
//!   +--- no answer by `not_after` and a while: shown as lost, taken all the same if it comes later
//! ```

use std::time::Duration;

use ostiary_common::ids::{DeviceId, MsgId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::CommandStatus;

/// After a command's end its answer may still be under way for so long.
pub const GRACE: Duration = Duration::from_secs(60);
/// The longest words of an answer that are kept, characters; the rest is cut off.
pub const MOST_DETAIL: usize = 4_000;

/// What may come with an answer. Devices can be taken over: what says to be something else is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// A picture.
    Jpeg,
    /// A bundle.
    Gzip,
}

impl MediaType {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Jpeg, Self::Gzip];

    /// Its name in messages and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Gzip => "application/gzip",
        }
    }

    /// What bytes of it begin with.
    const fn magic(self) -> &'static [u8] {
        match self {
            Self::Jpeg => &[0xFF, 0xD8, 0xFF],
            Self::Gzip => &[0x1F, 0x8B],
        }
    }

    /// The type of this name, if the bytes look like it.
    #[must_use]
    pub fn of(name: &str, bytes: &[u8]) -> Option<Self> {
        Self::parse(name).filter(|media| bytes.starts_with(media.magic()))
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.as_str() == name)
    }
}

/// How far a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandState {
    /// On its way, or being done.
    Sent,
    /// Done.
    Done,
    /// It came too late.
    Expired,
    /// The device could not, or may not.
    Refused,
    /// Something this program does not know.
    Other,
    /// Nothing was heard of it in time.
    Lost,
}

impl CommandState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Sent, Self::Done, Self::Expired, Self::Refused, Self::Other, Self::Lost];

    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Other => "other",
            Self::Lost => "lost",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl From<CommandStatus> for CommandState {
    fn from(status: CommandStatus) -> Self {
        match status {
            CommandStatus::Done => Self::Done,
            CommandStatus::Expired => Self::Expired,
            CommandStatus::Refused => Self::Refused,
            CommandStatus::Other => Self::Other,
        }
    }
}

/// A command, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCommand {
    /// The id it was sent under.
    pub id: MsgId,
    /// To which device.
    pub device: DeviceId,
    /// What to do, as the topic says.
    pub kind: String,
    /// Who told it, as the audit log names them.
    pub asked_by: String,
    /// When.
    pub asked_at: UnixMillis,
    /// Not done any more after this.
    pub not_after: UnixMillis,
    /// How far it is, as stored; see [`Self::state_at`].
    pub state: CommandState,
    /// The device's words.
    pub detail: String,
    /// When it answered.
    pub answered_at: Option<UnixMillis>,
    /// What came with the answer, and its size in bytes; the bytes may be gone by now.
    pub attachment: Option<(MediaType, u64)>,
    /// Whether the bytes are still there.
    pub has_attachment: bool,
}

impl DeviceCommand {
    /// How far it is: one of which nothing is heard in time is lost, until something is.
    #[must_use]
    pub fn state_at(&self, now: UnixMillis) -> CommandState {
        let is_late = self.state == CommandState::Sent && self.not_after.plus(GRACE) < now;
        if is_late { CommandState::Lost } else { self.state }
    }
}

/// A device's words as they are kept: short, and without control characters but line ends.
#[must_use]
pub fn plain(detail: &str) -> String {
    let fit = |letter: char| if letter.is_control() && letter != '\n' { ' ' } else { letter };
    detail.chars().take(MOST_DETAIL).map(fit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_what_it_says_it_is() {
        let check = |name: &str, bytes: &[u8], expected| assert_eq!(MediaType::of(name, bytes), expected, "{name}");
        check("image/jpeg", b"\xFF\xD8\xFF\xE0", Some(MediaType::Jpeg));
        check("image/jpeg", b"<svg>", None);
        check("application/gzip", b"\x1F\x8B\x08", Some(MediaType::Gzip));
        check("application/gzip", b"\xFF\xD8\xFF", None);
        check("text/html", b"\x1F\x8B", None);
        check("image/jpeg", b"", None);
    }

    #[test]
    fn what_is_not_heard_of_in_time_is_lost() {
        let at = |state, now: i64| {
            let command = DeviceCommand {
                id: MsgId::generate(),
                device: DeviceId::generate(),
                kind: "identify".into(),
                asked_by: "cli".into(),
                asked_at: UnixMillis(0),
                not_after: UnixMillis(1_000),
                state,
                detail: String::new(),
                answered_at: None,
                attachment: None,
                has_attachment: false,
            };
            command.state_at(UnixMillis(now))
        };
        for (state, now, expected) in [
            (CommandState::Sent, 61_000, CommandState::Sent),
            (CommandState::Sent, 61_001, CommandState::Lost),
            (CommandState::Done, 99_000, CommandState::Done),
        ] {
            assert_eq!(at(state, now), expected, "{state:?} {now}");
        }
        for state in CommandState::ALL {
            assert_eq!(CommandState::parse(state.as_str()), Some(state));
        }
    }

    #[test]
    fn words_are_kept_short_and_plain() {
        assert_eq!(plain("camera: ok\nmodel: \u{1b}[31mfailed\u{7}"), "camera: ok\nmodel:  [31mfailed ");
        assert_eq!(plain(&"ä".repeat(5_000)).chars().count(), MOST_DETAIL);
    }
}
