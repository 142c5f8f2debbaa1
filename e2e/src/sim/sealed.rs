//! Chunks as someone reads and changes them who has the device's key.

use std::io::Read;

use flate2::read::DeflateDecoder;
use ostiary_common::codec;
use ostiary_common::envelope::{Body, Envelope};
use ostiary_common::wire::{GalleryChunk, PersonChange};
use ostiary_server::sealing::GalleryKey;

/// Every key a device was given, or is to be given with its next token.
#[derive(Default)]
pub struct Keys(Vec<GalleryKey>);

impl Keys {
    /// One more.
    pub fn learn(&mut self, key: GalleryKey) {
        if self.0.iter().all(|known| known.id != key.id) {
            self.0.push(key);
        }
    }

    /// The chunk, open; `None` if it is none, or sealed with no key of this device.
    pub fn open(&self, payload: &[u8]) -> Option<Envelope<GalleryChunk>> {
        let mut envelope = Envelope::<GalleryChunk>::decode(payload).ok()?;
        let chunk = &mut envelope.body;
        if let Some(sealed) = chunk.sealed.take() {
            let key = self.0.iter().find(|known| known.id == sealed.key)?;
            let opened = key.key.open(chunk.request.as_bytes(), &sealed.bytes).ok()?;
            let plain = if sealed.deflated { inflated(&opened)? } else { opened };
            chunk.persons =
                codec::from_slice::<Vec<PersonChange>>("persons", GalleryChunk::MAX_BYTES * 8, &plain).ok()?;
        }
        Some(envelope)
    }

    /// The chunk changed, and sealed again if it was; `None` if it cannot be opened, or `change` wants none of it.
    pub fn reworked(&self, payload: &[u8], change: impl FnOnce(&mut GalleryChunk) -> bool) -> Option<Vec<u8>> {
        let was_sealed = Envelope::<GalleryChunk>::decode(payload).ok()?.body.sealed.map(|sealed| sealed.key);
        let mut envelope = self.open(payload)?;
        if !change(&mut envelope.body) {
            return None;
        }
        if let Some(key) = was_sealed.and_then(|id| self.0.iter().find(|known| known.id == id)) {
            envelope.body = key.seal(envelope.body);
        }
        envelope.encode().ok()
    }
}

fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    DeflateDecoder::new(bytes).read_to_end(&mut plain).ok()?;
    Some(plain)
}
