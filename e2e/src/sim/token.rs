//! Getting a token: what the server and a device tell each other over HTTPS, and sessions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ostiary_common::identity::{GalleryKey, Secret, Standing};
use ostiary_daemon::sync::{Disk, Input};
use ostiary_server::domain::device_life::behind;
use ostiary_server::ports::{DeviceStore, GalleryKeyStore, LifeStore};

use super::people::taken;

use super::violation::{Rule, Violation};
use super::world::{StoryError, World};

impl World {
    /// A device gets a new token. Between two connections it tells where it stands, and the server whether that is an
    /// old memory; with a connection it connects again afterwards. Nothing if it does not run.
    pub(super) fn renew(&mut self, device: usize) -> Result<(), StoryError> {
        let Some(standing) = self.devices[device].core.as_ref().map(|core| core.standing()) else { return Ok(()) };
        let is_connected = self.net.line(device).is_up();
        let root = self.devices[device].root;
        let known = self.server.ask(async |store| store.device(root.device).await).map_err(anyhow::Error::from)?;
        let Some(known) = known else { return Ok(()) };
        let stored = self.server.ask(async |store| store.highest_seq(root.device, standing.stream).await);
        let standing = Standing { session: standing.session.max(self.devices[device].floor), ..standing };
        let is_behind = behind(&known, &standing, stored.map_err(anyhow::Error::from)?).is_some();
        let restored = !is_connected && is_behind;
        self.tell(|| format!("device {device} gets a token{}", if restored { ": its memory is old" } else { "" }));
        let one = &mut self.devices[device];
        (one.wants_token, one.floor) = (false, one.floor.max(known.presence.session));
        one.has_asked |= !is_connected;
        let key = if self.keyless[device] { None } else { self.gallery_key(device)? };
        let done = self.input(device, Input::Token { gallery_key: key.as_ref(), restored, root });
        self.follow(device, done);
        if is_connected {
            let sent = self.net.line(device).up.len();
            self.net.cut(device, sent, false);
            let done = self.input(device, Input::Disconnected);
            self.follow(device, done);
        }
        Ok(())
    }

    fn gallery_key(&mut self, device: usize) -> Result<Option<GalleryKey>, StoryError> {
        let id = self.devices[device].root.device;
        let Some(key) = taken(self.server.ask(async |store| store.give_gallery_key(id).await))? else {
            return Ok(None);
        };
        self.keys[device].learn(key.clone());
        Ok(Some(GalleryKey { id: key.id, key: Secret(STANDARD.encode(key.key.expose())) }))
    }

    /// Sessions rise, but for a device whose memory was set back; one that could not be written down may come twice.
    pub(super) fn check_session(&mut self, device: usize, session: u64) -> Result<(), StoryError> {
        let kept = self.devices[device].disk.session().unwrap_or_default();
        let before = std::mem::replace(&mut self.devices[device].session, session);
        let least = std::mem::replace(&mut self.devices[device].session_kept, kept);
        if session > least {
            return Ok(());
        }
        let text = format!("device {device} connects with session {session} after {before}");
        Err(Violation::new(Rule::Conversation, text).into())
    }
}
