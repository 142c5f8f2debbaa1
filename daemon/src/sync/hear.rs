//! What comes from the server: decoded with size and version checked, then handed to the part it is for.
//! A message that is refused is counted and reported; it never stops anything.

use ostiary_common::envelope::{Body, Envelope};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, CommandKind, DeviceRoot};
use ostiary_common::wire::{Command, CommandStatus, ConfigDesired, EventAck, GalleryChunk, GalleryNotice};

use super::core::{DeviceCore, Turn};
use super::seal::Closed;
use super::{Action, Disk};
use crate::domain::commands::result;
use crate::domain::desired::{Taken, take};
use crate::domain::gallery_sync::SyncInput;

/// The time floor is written at most this often, milliseconds: an hour.
const FLOOR_STEP_MS: i64 = 3_600_000;

impl<D: Disk> DeviceCore<D> {
    /// A message came on `topic`.
    pub(super) fn hear(&mut self, topic: &[u8], payload: &[u8], turn: &mut Turn<'_>) {
        if self.heard_birth(topic, payload, turn) {
            return;
        }
        let parsed = std::str::from_utf8(topic).ok().and_then(DeviceRoot::parse);
        let Some((_, channel)) = parsed.filter(|(root, _)| *root == self.parts.root) else {
            return refused("a message came on a topic that is not this device's", turn);
        };
        match channel {
            Channel::EventsAck => {
                self.with::<EventAck>(payload, turn, |core, ack, _, turn| core.acknowledged(&ack, turn))
            }
            Channel::GalleryChunk => self.with(payload, turn, Self::chunk),
            Channel::GalleryNotice => self.with(payload, turn, |core, notice, _, turn| core.notice(&notice, turn)),
            Channel::ConfigDesired => self.retained(payload, turn),
            Channel::EnrollStart => self.with(payload, turn, |core, start, _, turn| core.enroll_start(start, turn)),
            Channel::EnrollCancel => {
                self.with(payload, turn, |core, cancel, _, turn| core.enroll_cancel(&cancel, turn))
            }
            Channel::EnrollAck => self.with(payload, turn, |core, ack, _, turn| core.enroll_ack(&ack, turn)),
            Channel::Command(kind) => {
                self.with(payload, turn, |core, command, _, turn| core.command(kind, &command, turn))
            }
            _ => refused(&format!("a message came on {channel:?}, which this device does not read"), turn),
        }
    }

    fn with<B: Body>(
        &mut self,
        payload: &[u8],
        turn: &mut Turn<'_>,
        act: impl FnOnce(&mut Self, B, UnixMillis, &mut Turn<'_>),
    ) {
        match Envelope::<B>::decode(payload) {
            Ok(envelope) if envelope.device == self.parts.root.device => {
                self.heard(envelope.sent_at, turn);
                self.counted(envelope.session, turn);
                act(self, envelope.body, envelope.sent_at, turn);
            }
            Ok(envelope) => refused(&format!("{} for device {} came here", B::KIND, envelope.device), turn),
            Err(error) => refused(&error.to_string(), turn),
        }
    }

    /// As [`DeviceCore::with`] for settings, which a broker keeps: when they were sent says nothing about now.
    fn retained(&mut self, payload: &[u8], turn: &mut Turn<'_>) {
        match Envelope::<ConfigDesired>::decode(payload) {
            Ok(envelope) if envelope.device == self.parts.root.device => self.desired(&envelope.body, turn),
            Ok(_) => refused("settings for another device came here", turn),
            Err(error) => refused(&error.to_string(), turn),
        }
    }

    /// The server's clock, from a message that was sent just now: tells whether ours can be believed, and now
    /// and then raises the floor that survives a restart.
    fn heard(&mut self, server: UnixMillis, turn: &mut Turn<'_>) {
        self.server_time.heard(server, turn.now.monotonic);
        turn.actions.extend(self.server_time.at_least(turn.now.monotonic).map(Action::HeardTime));
        if server.since_ms(self.floor_kept) >= FLOOR_STEP_MS {
            self.floor_kept = server;
            let raised = self.disk.raise_time_floor(server);
            self.wrote(raised, turn);
        }
    }

    /// Something changed; or nothing did, and the server doubts that this device is there and holds what it said.
    fn notice(&mut self, notice: &GalleryNotice, turn: &mut Turn<'_>) {
        if notice.rev <= self.gallery.rev() && self.session >= self.session_heard {
            self.say_online(turn);
        }
        self.sync_gallery(SyncInput::Notice(notice.rev), turn);
        self.sync_beside(SyncInput::Notice(notice.rev), turn);
    }

    /// The highest session the server has heard of. One above ours is of a life this card has forgotten: the server
    /// shows that one until we count higher, as we do from the connection that comes with the next token.
    fn counted(&mut self, heard: u64, turn: &mut Turn<'_>) {
        if heard <= self.session.max(self.session_heard) {
            return;
        }
        self.session_heard = heard;
        if !self.was_set_back {
            let text = format!("the server has heard of session {heard}, this is {}", self.session);
            self.begin_again(&text, turn);
        }
        turn.actions.push(Action::NewToken);
    }

    fn chunk(&mut self, mut chunk: GalleryChunk, sent_at: UnixMillis, turn: &mut Turn<'_>) {
        let is_in_use = self.gallery.awaits(chunk.request);
        let is_beside = self.beside.as_ref().is_some_and(|beside| beside.sync.awaits(chunk.request));
        if !is_in_use && !is_beside {
            return;
        }
        let input = match self.opener.open(&mut chunk) {
            Ok(()) => SyncInput::Chunk(chunk, sent_at),
            Err(Closed::UnknownKey(key)) if self.key_asked != Some(key) => {
                self.key_asked = Some(key);
                turn.actions.push(Action::NewToken);
                SyncInput::Unusable(format!("the gallery is sealed with key {key}, not known here: a new token is had"))
            }
            Err(closed) => SyncInput::Unusable(closed.to_string()),
        };
        if !is_in_use {
            return self.sync_beside(input, turn);
        }
        self.sync_gallery(input, turn);
    }

    fn desired(&mut self, desired: &ConfigDesired, turn: &mut Turn<'_>) {
        match take(desired, self.config_version) {
            Taken::Older => return,
            Taken::Same => self.report_owed = Some(None),
            Taken::Refused(reason) => {
                self.config_version = Some(desired.version);
                self.report_owed = Some(Some(reason));
            }
            Taken::Accepted => {
                let kept = self.disk.keep_desired(desired);
                if !self.wrote(kept, turn) {
                    // It stays retained at the broker and comes again with the next connection.
                    return;
                }
                self.config_version = Some(desired.version);
                self.report_owed = Some(None);
                turn.actions.push(Action::Pack(desired.pack.clone()));
                // Said once they are in force.
                return turn.actions.push(Action::Enforce(desired.settings.clone()));
            }
        }
        self.report_config(turn);
    }

    /// Remembers a command before it is done, so that a power cut in between never has it done twice.
    fn command(&mut self, kind: CommandKind, command: &Command, turn: &mut Turn<'_>) {
        let time = [turn.now.believed(), self.server_time.at_least(turn.now.monotonic)];
        let now = time.into_iter().flatten().max();
        let answer = self.commands.answer(command, now).unwrap_or_else(|| {
            let done = result(command.id, CommandStatus::Done, words(kind));
            let all = self.commands.with(command, done.clone(), now);
            let kept = self.disk.keep_commands(&all);
            if !self.wrote(kept, turn) {
                return result(command.id, CommandStatus::Refused, "the device cannot write to its disk");
            }
            self.commands.replace(all);
            self.perform(kind, command, turn);
            done
        });
        // What takes longer is answered when it is done.
        let is_attended =
            turn.actions.iter().any(|action| matches!(action, Action::Attend(_, c) if c.id == command.id));
        if !is_attended {
            self.say(&Channel::CommandResult(kind), answer, turn);
        }
    }

    fn perform(&mut self, kind: CommandKind, command: &Command, turn: &mut Turn<'_>) {
        match kind {
            CommandKind::Resync => {
                self.sync_gallery(SyncInput::Resync, turn);
                self.sync_beside(SyncInput::Resync, turn);
            }
            CommandKind::Identify | CommandKind::Restart | CommandKind::Reset => {
                turn.actions.push(Action::Perform(kind));
            }
            CommandKind::Snapshot
            | CommandKind::SelfTest
            | CommandKind::Reload
            | CommandKind::Diagnostics
            | CommandKind::LogLevel => turn.actions.push(Action::Attend(kind, command.clone())),
        }
    }
}

fn refused(why: &str, turn: &mut Turn<'_>) {
    turn.actions.push(Action::Refused(why.to_owned()));
}

const fn words(kind: CommandKind) -> &'static str {
    match kind {
        CommandKind::Resync => "everything is asked for again",
        CommandKind::Identify => "said in the log",
        CommandKind::Restart => "the program ends and is started again",
        CommandKind::Reset => "the program ends and forgets everything",
        CommandKind::Snapshot | CommandKind::SelfTest | CommandKind::Diagnostics => {
            "was done before; the answer is sent once and not kept"
        }
        CommandKind::Reload | CommandKind::LogLevel => "was done before",
    }
}
