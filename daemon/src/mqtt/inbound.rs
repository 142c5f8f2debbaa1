//! What comes from the server: decoded with size and version checked, then handed to the part it is for.
//! A message that is refused is counted and reported; it never stops anything.

use std::sync::Arc;

use ostiary_common::envelope::{Body, Envelope};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, CommandKind, DeviceRoot};
use ostiary_common::wire::{ChunkKind, Command, CommandStatus, ConfigDesired, EventAck, GalleryChunk, GalleryNotice};

use super::driver::{Driver, DriverParts, Wish};
use crate::cache::CacheError;
use crate::domain::commands::result;
use crate::domain::desired::{Taken, take};
use crate::domain::gallery_sync::{GalleryUpdate, SyncInput};

/// The time floor is written at most this often, milliseconds: an hour.
const FLOOR_STEP_MS: i64 = 3_600_000;

impl Driver {
    /// A message came on `topic`.
    ///
    /// # Errors
    /// [`CacheError`] if what it asks for cannot be made durable; never because of the message itself.
    pub fn incoming(&mut self, topic: &[u8], payload: &[u8]) -> Result<(), CacheError> {
        let parsed = std::str::from_utf8(topic).ok().and_then(DeviceRoot::parse);
        let Some((_, channel)) = parsed.filter(|(root, _)| *root == self.parts.root) else {
            self.refused("a message came on a topic that is not this device's");
            return Ok(());
        };
        match channel {
            Channel::EventsAck => self.with::<EventAck>(payload, |driver, ack| driver.acknowledged(&ack)),
            Channel::GalleryChunk => {
                self.with(payload, |driver, chunk: GalleryChunk| driver.gallery_input(SyncInput::Chunk(chunk)))
            }
            Channel::GalleryNotice => {
                self.with(payload, |driver, notice: GalleryNotice| driver.gallery_input(SyncInput::Notice(notice.rev)))
            }
            Channel::ConfigDesired => self.retained(payload),
            Channel::Command(kind) => self.with(payload, |driver, command| driver.command(kind, &command)),
            _ => {
                self.refused(&format!("a message came on {channel:?}, which this device does not read"));
                Ok(())
            }
        }
    }

    fn with<B: Body>(
        &mut self,
        payload: &[u8],
        act: impl FnOnce(&mut Self, B) -> Result<(), CacheError>,
    ) -> Result<(), CacheError> {
        match Envelope::<B>::decode(payload) {
            Ok(envelope) if envelope.device == self.parts.root.device => {
                self.heard(envelope.sent_at)?;
                act(self, envelope.body)
            }
            Ok(envelope) => self.told_off(&format!("{} for device {} came here", B::KIND, envelope.device)),
            Err(error) => self.told_off(&error.to_string()),
        }
    }

    /// As [`Driver::with`] for settings, which a broker keeps: when they were sent says nothing about now.
    fn retained(&mut self, payload: &[u8]) -> Result<(), CacheError> {
        match Envelope::<ConfigDesired>::decode(payload) {
            Ok(envelope) if envelope.device == self.parts.root.device => self.desired(&envelope.body),
            Ok(_) => self.told_off("settings for another device came here"),
            Err(error) => self.told_off(&error.to_string()),
        }
    }

    fn told_off(&mut self, why: &str) -> Result<(), CacheError> {
        self.refused(why);
        Ok(())
    }

    /// The server's clock, from a message that was sent just now: tells whether ours can be believed, and now
    /// and then raises the floor that survives a restart.
    fn heard(&mut self, server: UnixMillis) -> Result<(), CacheError> {
        let shared = &self.parts.shared;
        shared.clock.heard_server_time(server);
        if server.since_ms(self.floor_kept) < FLOOR_STEP_MS {
            return Ok(());
        }
        self.floor_kept = server;
        shared.cache.meta.raise_time_floor(server)
    }

    fn gallery_input(&mut self, input: SyncInput) -> Result<(), CacheError> {
        let now = self.now();
        let outputs = self.gallery.handle(input, now, rand::random());
        self.obey(outputs)
    }

    fn desired(&mut self, desired: &ConfigDesired) -> Result<(), CacheError> {
        match take(desired, self.config_version) {
            Taken::Older => tracing::info!(version = desired.version, "older settings came and are discarded"),
            Taken::Same => self.report_config(None),
            Taken::Refused(reason) => {
                tracing::warn!(version = desired.version, %reason, "settings refused: {reason}");
                self.config_version = Some(desired.version);
                self.report_config(Some(reason));
            }
            Taken::Accepted => {
                self.enforce(desired)?;
                tracing::info!(version = desired.version, "settings of version {} are in force", desired.version);
                self.report_config(None);
            }
        }
        Ok(())
    }

    fn command(&mut self, kind: CommandKind, command: &Command) -> Result<(), CacheError> {
        let known = self.commands.answer(command, self.parts.shared.clock.believed());
        let answer = match known {
            Some(answer) => answer,
            None => {
                let detail = self.perform(kind)?;
                let done = result(command.id, CommandStatus::Done, detail);
                let all = self.commands.remember(done.clone());
                self.parts.shared.cache.meta.set_commands(all)?;
                done
            }
        };
        self.publish(&Channel::CommandResult(kind), answer);
        Ok(())
    }

    fn perform(&mut self, kind: CommandKind) -> Result<&'static str, CacheError> {
        tracing::info!("command {} is done", kind.as_str());
        match kind {
            CommandKind::Resync => {
                self.gallery_input(SyncInput::Resync)?;
                Ok("everything was asked for again")
            }
            CommandKind::Identify => {
                tracing::warn!("this is the device somebody is looking for: {}", self.parts.root.device);
                Ok("said in the log")
            }
            CommandKind::Restart => {
                self.wish = Some(Wish::Restart);
                Ok("the program ends and is started again")
            }
        }
    }
}

/// Makes a gallery update durable and searches it from now on. Returns whether the settings in force changed
/// with it.
pub(super) fn apply_gallery(parts: &DriverParts, update: &GalleryUpdate) -> Result<bool, CacheError> {
    let shared = &parts.shared;
    shared.cache.gallery.apply(update, &shared.pack)?;
    let before = match update.kind {
        ChunkKind::Snapshot => Arc::default(),
        ChunkKind::Changes => shared.gallery.load_full(),
    };
    let gallery = before.with_changes(update.rev, parts.dimension, &update.persons);
    tracing::info!(
        rev = update.rev.0,
        "gallery is at revision {}: {} persons, {} templates",
        update.rev.0,
        gallery.index.persons(),
        gallery.index.len()
    );
    shared.gallery.store(Arc::new(gallery));
    // What keeps to a target depends on how many persons there are to be taken for.
    let desired = shared.cache.meta.desired()?.map(|desired| desired.settings).unwrap_or_default();
    Ok(shared.enforce(&parts.config, &desired))
}
