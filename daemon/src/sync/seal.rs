//! Opening sealed chunks.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use ostiary_common::codec;
use ostiary_common::identity::GalleryKey;
use ostiary_common::ids::GalleryKeyId;
use ostiary_common::seal::SealKey;
use ostiary_common::wire::{GalleryChunk, PersonChange};
use zeroize::Zeroizing;

use super::ChunkKey;

/// The most bytes the persons of one chunk may have once they are open.
const MAX_OPEN_BYTES: usize = 1024 * 1024;

/// Why a chunk cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// Sealed with a key the last token did not bring.
    #[error("the gallery is sealed with key {0}, which is not known here even after a new token")]
    UnknownKey(GalleryKeyId),
    /// Not what the server sealed for this request.
    #[error("a sealed gallery chunk cannot be opened: damaged, or not from the server")]
    Damaged,
    /// Opened, but no list of persons.
    #[error("a sealed gallery chunk does not hold what it should: {0}")]
    Malformed(String),
    /// Anybody on the way could have written it.
    #[error("an open gallery chunk came, but this device has a key for sealed ones")]
    Open,
}

/// Opens chunks with the key of the last token.
#[derive(Debug, Default)]
pub struct Opener(Option<ChunkKey>);

impl Opener {
    pub const fn new(key: Option<ChunkKey>) -> Self {
        Self(key)
    }

    pub const fn key(&self) -> Option<&ChunkKey> {
        self.0.as_ref()
    }

    /// Takes the key of a new token; returns whether it is another.
    pub fn replace(&mut self, key: Option<ChunkKey>) -> bool {
        let id = |key: &Option<ChunkKey>| key.as_ref().map(|key| key.id);
        let is_news = id(&self.0) != id(&key);
        self.0 = key;
        is_news
    }

    /// Puts the persons of a sealed chunk where those of an open one are.
    ///
    /// # Errors
    /// [`Closed`].
    pub fn open(&self, chunk: &mut GalleryChunk) -> Result<(), Closed> {
        let Some(sealed) = chunk.sealed.take() else {
            // Without persons there is nothing to be made up.
            let is_fine = self.0.is_none() || chunk.persons.is_empty();
            return if is_fine { Ok(()) } else { Err(Closed::Open) };
        };
        let known = self.0.as_ref().filter(|known| known.id == sealed.key);
        let known = known.ok_or(Closed::UnknownKey(sealed.key))?;
        let opened = known.key.open(chunk.request.as_bytes(), &sealed.bytes).map_err(|_| Closed::Damaged)?;
        let plain = Zeroizing::new(if sealed.deflated { inflate(&opened)? } else { opened });
        let persons = codec::from_slice::<Vec<PersonChange>>("sealed persons", MAX_OPEN_BYTES, &plain);
        chunk.persons = persons.map_err(|error| Closed::Malformed(error.to_string()))?;
        Ok(())
    }
}

/// A few bytes can stand for gigabytes; no more than fit a chunk are made.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, Closed> {
    let mut plain = Vec::new();
    let most = MAX_OPEN_BYTES as u64 + 1;
    let read = DeflateDecoder::new(bytes).take(most).read_to_end(&mut plain);
    read.map_err(|error| Closed::Malformed(error.to_string()))?;
    if plain.len() > MAX_OPEN_BYTES {
        return Err(Closed::Malformed(format!("more than {MAX_OPEN_BYTES} bytes once inflated")));
    }
    Ok(plain)
}

/// The key a token brought.
///
/// # Errors
/// In words, if it is none.
pub fn chunk_key(key: &GalleryKey) -> Result<ChunkKey, String> {
    let none = || format!("gallery key {} is not 32 bytes in base64", key.id);
    let bytes = Zeroizing::new(STANDARD.decode(&key.key.0).map_err(|_| none())?);
    let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| none())?;
    Ok(ChunkKey { id: key.id, key: SealKey::from_bytes(bytes) })
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
