//! A person's key: everything that tells who somebody is or what they look like is sealed with it.

use ostiary_common::ids::{EventId, TemplateId};
use ostiary_common::seal::{OpenError, SealKey};

use super::media::event_place;
use crate::domain::consent::ConsentId;

/// Seals what belongs to one person; each value is bound to the row it belongs to.
#[derive(Debug)]
pub struct PersonKey(SealKey);

impl PersonKey {
    pub(super) const fn new(key: SealKey) -> Self {
        Self(key)
    }

    /// Seals a display name.
    pub fn seal_name(&self, name: &str) -> Vec<u8> {
        self.0.seal(b"name", name.as_bytes())
    }

    /// Opens a display name.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_name(&self, sealed: &[u8]) -> Result<String, OpenError> {
        String::from_utf8(self.0.open(b"name", sealed)?).map_err(|_| OpenError)
    }

    /// Seals a text of the person's row: `what` is `notes` or `fields`.
    pub fn seal_text(&self, what: &'static str, text: &str) -> Vec<u8> {
        self.0.seal(what.as_bytes(), text.as_bytes())
    }

    /// Opens a text of the person's row.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_text(&self, what: &'static str, sealed: &[u8]) -> Result<String, OpenError> {
        String::from_utf8(self.0.open(what.as_bytes(), sealed)?).map_err(|_| OpenError)
    }

    /// Seals what was said of a consent.
    pub fn seal_consent(&self, consent: ConsentId, text: &str) -> Vec<u8> {
        self.0.seal(&consent_place(consent), text.as_bytes())
    }

    /// Opens what was said of a consent.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_consent(&self, consent: ConsentId, sealed: &[u8]) -> Result<String, OpenError> {
        String::from_utf8(self.0.open(&consent_place(consent), sealed)?).map_err(|_| OpenError)
    }

    /// Seals a template's embedding: little-endian f32.
    pub fn seal_embedding(&self, template: TemplateId, embedding: &[u8]) -> Vec<u8> {
        self.0.seal(&template_place(template), embedding)
    }

    /// Opens a template's embedding.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_embedding(&self, template: TemplateId, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(&template_place(template), sealed)
    }

    /// Seals the picture of an enrolled face: a JPEG, cut out of the photo with this digest.
    pub fn seal_face_crop(&self, source_sha256: &[u8; 32], jpeg: &[u8]) -> Vec<u8> {
        self.0.seal(&face_crop_place(source_sha256), jpeg)
    }

    /// Opens the picture of an enrolled face.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_face_crop(&self, source_sha256: &[u8; 32], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(&face_crop_place(source_sha256), sealed)
    }

    /// Seals what came with an event of this person: `what` is `crop` or `embedding`.
    pub fn seal_of_event(&self, what: &str, event: EventId, plain: &[u8]) -> Vec<u8> {
        self.0.seal(&event_place(what, event), plain)
    }

    /// Opens what came with an event of this person.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_of_event(&self, what: &str, event: EventId, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(&event_place(what, event), sealed)
    }
}

fn consent_place(consent: ConsentId) -> Vec<u8> {
    [b"consent/".as_slice(), consent.as_bytes()].concat()
}

impl PersonKey {
    /// Wraps the key of a conversation about this person.
    pub(super) fn seal_of_thread(&self, place: &[u8], key: &[u8]) -> Vec<u8> {
        self.0.seal(place, key)
    }

    /// Unwraps it.
    pub(super) fn open_of_thread(&self, place: &[u8], wrapped: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(place, wrapped)
    }
}

fn face_crop_place(source_sha256: &[u8; 32]) -> Vec<u8> {
    [b"face/".as_slice(), source_sha256].concat()
}

fn template_place(template: TemplateId) -> Vec<u8> {
    [b"template/".as_slice(), template.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_change_places() {
        let key = PersonKey::new(SealKey::generate());
        let (template, other) = (TemplateId::generate(), TemplateId::generate());
        let sealed = key.seal_embedding(template, &[1, 2, 3, 4]);
        assert_eq!(key.open_embedding(template, &sealed).unwrap(), [1, 2, 3, 4]);
        assert!(key.open_embedding(other, &sealed).is_err());
        assert!(key.open_name(&sealed).is_err());
        let event = EventId::generate();
        let crop = key.seal_of_event("crop", event, b"jpeg");
        assert_eq!(key.open_of_event("crop", event, &crop).unwrap(), b"jpeg");
        assert!(key.open_of_event("embedding", event, &crop).is_err());
        assert!(key.open_of_event("crop", EventId::generate(), &crop).is_err());
        let face = key.seal_face_crop(&[7; 32], b"jpeg");
        assert_eq!(key.open_face_crop(&[7; 32], &face).unwrap(), b"jpeg");
        assert!(key.open_face_crop(&[8; 32], &face).is_err());
    }
}
