//! A device's gallery key, on its way to the device: over HTTPS, with a token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ostiary_common::identity::{GalleryKey, Secret};
use ostiary_common::ids::DeviceId;
use zeroize::Zeroizing;

use crate::ports::{Store, StoreError};

/// The key to put into a token's answer. From then on the device's chunks are sealed with it, so it is to be given only
/// to a device that says where it stands: older daemons do not, and could not open what they are sent.
///
/// # Errors
/// [`StoreError`].
pub async fn gallery_key_for(store: &dyn Store, device: DeviceId) -> Result<GalleryKey, StoreError> {
    let given = store.give_gallery_key(device).await?;
    let text = Zeroizing::new(STANDARD.encode(given.key.expose()));
    Ok(GalleryKey { id: given.id, key: Secret(text.to_string()) })
}
