//! Rules broken on purpose, to see that the simulation would notice. Nothing of the product is touched: messages are
//! changed on their way, as if the other side kept the rule no longer.

use clap::ValueEnum;
use ostiary_common::digest::GalleryDigest;
use ostiary_common::envelope::{Body, Envelope};
use ostiary_common::ids::EventId;
use ostiary_common::wire::{AckedBatch, ChunkKind, EventAck, EventBatch, GalleryAck, GalleryChunk};
use ostiary_daemon::sync::Holdings;

use super::dice::Dice;

/// A rule that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Broken {
    /// The server acknowledges events before they are committed.
    AckBeforeCommit,
    /// The device takes the broker's PUBACK for the server's word.
    DeleteOnPuback,
    /// The store takes every event that comes for a new one.
    NoDedupe,
    /// Nobody compares digests.
    NoDigest,
    /// Nobody is told that a person is gone.
    NoTombstone,
}

impl Broken {
    /// The acknowledgement a batch gets that deserves none yet.
    pub fn early_ack(payload: &[u8]) -> Option<Vec<u8>> {
        let envelope = Envelope::<EventBatch>::decode(payload).ok()?;
        let EventBatch { stream, events } = &envelope.body;
        let (stream, batch) = (*stream, AckedBatch::of(events)?);
        let ack =
            EventAck { stream, upto_seq: batch.last, resend_from: None, rejected: Vec::new(), batch: Some(batch) };
        with_body(&envelope, ack)
    }

    /// The batch with ids nobody has seen.
    pub fn renamed(payload: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
        let mut envelope = Envelope::<EventBatch>::decode(payload).ok()?;
        envelope.body.events.iter_mut().for_each(|event| event.id = EventId(dice.uuid()));
        envelope.encode().ok()
    }

    /// The acknowledgement without the name of a batch nobody has sent like that.
    pub fn nameless(payload: &[u8]) -> Option<Vec<u8>> {
        let mut envelope = Envelope::<EventAck>::decode(payload).ok()?;
        envelope.body.batch = None;
        envelope.encode().ok()
    }

    /// The chunk with a digest the device will find right, whatever it holds.
    pub fn agree(chunk: &mut GalleryChunk, held: &Holdings, so_far: &mut Holdings) {
        if chunk.index == 0 {
            *so_far = if chunk.kind == ChunkKind::Snapshot { Holdings::default() } else { held.clone() };
        }
        chunk.persons.iter().for_each(|change| so_far.set(change.person, &change.templates, 0));
        chunk.digest = so_far.digest();
    }

    /// The device's word with the digest the server wants to hear.
    pub fn flattering(payload: &[u8], truth: GalleryDigest) -> Option<Vec<u8>> {
        let mut envelope = Envelope::<GalleryAck>::decode(payload).ok()?;
        envelope.body.digest = truth;
        envelope.encode().ok()
    }

    /// The chunk without those who are gone.
    pub fn forget(chunk: &mut GalleryChunk) {
        chunk.persons.retain(|change| !change.templates.is_empty());
    }
}

fn with_body<B: Body, C: Body>(envelope: &Envelope<C>, body: B) -> Option<Vec<u8>> {
    let Envelope { v, msg_id, device, session, seq, sent_at, .. } = *envelope;
    Envelope { v, msg_id, device, session, seq, sent_at, body }.encode().ok()
}
