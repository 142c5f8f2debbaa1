//! The gallery of another pack, held beside the one in use while a device goes over to it, or could come back: kept equal
//! to the server's in the same way, and searched by nobody.

use ostiary_common::ids::PackId;
use ostiary_common::topics::Channel;
use ostiary_common::wire::Revision;

use super::core::{DeviceCore, Turn};
use super::{Action, Disk, KeptGallery};
use crate::domain::gallery_sync::{GallerySync, SyncInput, SyncOutput};

/// Another pack's gallery.
pub(super) struct Beside {
    pub(super) pack: PackId,
    pub(super) sync: GallerySync,
}

impl<D: Disk> DeviceCore<D> {
    /// Holds this gallery beside from now on, or none.
    pub(super) fn set_beside(&mut self, held: Option<&(PackId, KeptGallery)>, turn: &mut Turn<'_>) {
        let is_same = |beside: &Beside| held.is_some_and(|(pack, _)| *pack == beside.pack);
        if let Some(beside) = self.beside.as_ref().filter(|beside| is_same(beside)) {
            let is_proven = beside.sync.proven().in_this_run.is_some();
            return turn.actions.push(Action::Filled(is_proven.then(|| beside.pack.clone())));
        }
        self.beside =
            held.map(|(pack, kept)| Beside { pack: pack.clone(), sync: GallerySync::new(pack.clone(), kept.clone()) });
        turn.actions.push(Action::Filled(None));
        if self.connected {
            self.sync_beside(SyncInput::Connected, turn);
        }
        self.say_owed(turn);
    }

    /// Hands something to the synchronisation of the gallery beside and does what it asks for.
    pub(super) fn sync_beside(&mut self, input: SyncInput, turn: &mut Turn<'_>) {
        let Some(beside) = &mut self.beside else { return };
        let mut outputs = beside.sync.handle(input, turn.now, &mut turn.dice);
        while !outputs.is_empty() {
            outputs = outputs.into_iter().flat_map(|output| self.obey_beside(output, turn)).collect();
        }
    }

    /// Whether the gallery beside may still hold somebody who is gone from the one in use at `rev`: then it must not be
    /// said that the device holds that.
    pub(super) fn is_beside_behind(&self, rev: Revision) -> bool {
        self.beside.as_ref().is_some_and(|beside| beside.sync.holdings().persons() > 0 && beside.sync.rev() < rev)
    }

    fn obey_beside(&mut self, output: SyncOutput, turn: &mut Turn<'_>) -> Vec<SyncOutput> {
        let Some(pack) = self.beside.as_ref().map(|beside| beside.pack.clone()) else { return Vec::new() };
        match output {
            SyncOutput::Request(request) => self.say(&Channel::GalleryRequest, request, turn),
            SyncOutput::Ack(_) => {
                turn.actions.push(Action::Filled(Some(pack)));
                self.say_owed(turn);
            }
            SyncOutput::Warn(text) => turn.actions.push(Action::Refused(format!("beside, of {pack}: {text}"))),
            SyncOutput::Apply(step) => {
                let applied = self.disk.apply_beside(&step, &pack);
                let is_written = self.wrote(applied, turn);
                let Some(beside) = &mut self.beside else { return Vec::new() };
                return match is_written {
                    true => beside.sync.applied(&step, turn.now, &mut turn.dice),
                    false => beside.sync.handle(SyncInput::NotApplied, turn.now, &mut turn.dice),
                };
            }
        }
        Vec::new()
    }

    /// Says what is held in use, if that had to wait for the gallery beside.
    fn say_owed(&mut self, turn: &mut Turn<'_>) {
        if self.ack_owed && !self.is_beside_behind(self.gallery.rev()) {
            self.ack_owed = false;
            let ack = self.gallery.ack();
            self.say_held(ack, turn);
        }
    }
}
