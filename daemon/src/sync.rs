//! The device's side of the conversation with the server, without clock, socket or thread: what happened and what time
//! it is come in, what to do comes out. The disk stands behind a port ([`Disk`]); the simulation runs the same code
//! over made-up disks and networks.
//!
//! Start reading at [`DeviceCore::handle`]; the machines it drives are `domain::{outbox, gallery_sync, commands,
//! desired, trust}`.

mod beside;
mod core;
mod enroll;
mod hear;
mod introduction;
mod say;
mod seal;
mod tasks;

#[cfg(test)]
mod core_tests;
#[cfg(test)]
mod storm_tests;
#[cfg(test)]
mod test_disk;

use std::time::Duration;

use ostiary_common::identity::GalleryKey;
use ostiary_common::ids::{EnrollmentId, PackId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{CommandKind, DeviceRoot};
use ostiary_common::wire::monitor::{Info, OtherPack};
use ostiary_common::wire::{Command, CommandResult, DeviceSettings, EnrollStart, PackOrder, ReportKind};

pub use self::core::DeviceCore;
pub use self::introduction::{Introduction, sample_description};
pub use crate::domain::commands::DoneCommand;
pub use crate::domain::enrolling::GuideWord;
pub use crate::domain::holdings::{GalleryHead, GalleryStep, Holdings, KeptGallery, KeptWalk, Stamp};
pub use crate::domain::now::Now;
pub use crate::domain::trust::{Proven, Trust, TrustRules};
pub use crate::ports::{ChunkKey, Disk, DiskError, Signer};

/// What the conversation begins with.
pub struct CoreParts {
    /// The device's topics.
    pub root: DeviceRoot,
    /// The model pack whose templates it can compare.
    pub pack: PackId,
    /// What the device is; its version goes into `status` as well.
    pub info: Info,
    /// What the disk holds of the gallery.
    pub gallery: KeptGallery,
    /// The settings in force.
    pub in_force: DeviceSettings,
    /// Least wait for an acknowledgement of events.
    pub ack_timeout: Duration,
    /// How long the gallery may be matched against without news.
    pub trust: TrustRules,
    /// Signs what is held, if there is a key by now.
    pub signer: Option<Box<dyn Signer>>,
    /// What Home Assistant is told of the device; `None`: nothing at all.
    pub introduction: Option<Introduction>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A connection stands, for this session ([`DeviceCore::next_session`]).
    Connected {
        /// Its number.
        session: u64,
    },
    /// The connection is gone.
    Disconnected,
    /// A message came.
    Message {
        /// Its topic.
        topic: &'a [u8],
        /// What it says.
        payload: &'a [u8],
    },
    /// Time has passed, the outbox has grown, or there is room for more messages.
    Tick,
    /// The server gave a token, and with it:
    Token {
        /// The key of sealed chunks; none if chunks come open.
        gallery_key: Option<&'a GalleryKey>,
        /// The device's memory is older than what the server has of it.
        restored: bool,
        /// Where the device belongs now.
        root: DeviceRoot,
    },
    /// Hold the gallery of this pack beside the one in use, going on from what is kept of it; or of none.
    Beside(Option<&'a (PackId, KeptGallery)>),
    /// How it stands with another pack.
    Tell(Option<&'a OtherPack>),
    /// Whoever watches says something of a session that was asked for.
    Guided(&'a GuideWord),
    /// These settings are in force: after [`Action::Enforce`], and whenever they changed by themselves.
    InForce(&'a DeviceSettings),
    /// What was asked for by [`Action::Attend`] is done.
    Answer(CommandKind, &'a CommandResult),
    /// The program ends in order: the last words.
    Stopping,
}

/// What to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Publish a message.
    Publish(Outgoing),
    /// This step of the gallery is durable: search it from now on.
    Search(GalleryStep),
    /// When the gallery was last proven has changed.
    Proven(Proven),
    /// Put these settings in force, then tell [`Input::InForce`].
    Enforce(DeviceSettings),
    /// The server wants this pack run.
    Pack(Option<PackOrder>),
    /// The gallery beside is the server's, of this pack; `None`: it is not, or there is none.
    Filled(Option<PackId>),
    /// Publish the device's figures on its `health` topic.
    Health {
        /// How long they are worth keeping.
        expiry: Duration,
    },
    /// Write an event about the device itself, and a line into the log.
    Report(ReportKind, String),
    /// A message was refused, in words: count it, report it.
    Refused(String),
    /// Events the server has stored.
    Stored(u64),
    /// The server said what time it is just now.
    HeardTime(UnixMillis),
    /// Do what an administrator asked for.
    Perform(CommandKind),
    /// Do what an administrator asked for, and hand the answer in by [`Input::Answer`].
    Attend(CommandKind, Command),
    /// Guide somebody before the camera; tell [`Input::Guided`] how it goes.
    Guide(EnrollStart),
    /// Stop guiding.
    StopGuiding(EnrollmentId),
    /// Get a new token at once: the server seals with a key that is not known here.
    NewToken,
}

/// A message to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// Kept by the broker.
    pub retain: bool,
    /// At least once, or at most once.
    pub reliable: bool,
    /// How long the broker keeps it.
    pub expiry: Option<Duration>,
}
