//! Model packs in the store, and how one comes into use: re-embedded in the shadow, compared, tried at some doors, in
//! force everywhere, retired. Pure; start reading at [`PackState::after`].

use std::fmt;

use ostiary_common::ids::{DeviceId, DoorId, PackId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;
use sha2::{Digest, Sha256};

use super::job::JobId;

/// How far a pack has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackState {
    /// It is here, checked; nothing was made with it.
    Installed,
    /// Its templates are being made of kept pictures.
    Shadow,
    /// Its templates are there and were compared with those in force; no door uses them.
    Comparing,
    /// Some doors use it.
    Staged,
    /// Doors use it unless they are told another.
    Active,
    /// It was in force before; doors can go back to it.
    Retired,
}

/// What may be done with a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackDeed {
    /// Make its templates, and compare.
    BeginShadow,
    /// That is done.
    EndShadow,
    /// Have some doors use it.
    Stage,
    /// Have every door use it.
    Activate,
    /// Have no door use it any more.
    TakeBack,
    /// Remove it with all that was made with it.
    Delete,
}

/// A deed that cannot be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .why)]
pub struct PackRefused {
    /// Why not, and what to do first.
    pub why: &'static str,
}

impl PackState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Installed, Self::Shadow, Self::Comparing, Self::Staged, Self::Active, Self::Retired];

    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Shadow => "shadow",
            Self::Comparing => "comparing",
            Self::Staged => "staged",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// Reads a state's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether every face that is enrolled from now on gets a template of it, too: from the time it was re-embedded,
    /// until it is removed.
    #[must_use]
    pub const fn is_kept_up(self) -> bool {
        matches!(self, Self::Comparing | Self::Staged | Self::Active | Self::Retired)
    }

    /// Whether devices are given its templates.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Staged | Self::Active | Self::Retired)
    }

    /// The state after a deed.
    ///
    /// # Errors
    /// [`PackRefused`] says what is to be done first.
    pub const fn after(self, deed: PackDeed) -> Result<Self, PackRefused> {
        use PackDeed::{Activate, BeginShadow, Delete, EndShadow, Stage, TakeBack};
        let why = match (self, deed) {
            (Self::Installed | Self::Comparing, BeginShadow) => return Ok(Self::Shadow),
            (Self::Shadow, EndShadow) => return Ok(Self::Comparing),
            (Self::Comparing | Self::Staged | Self::Retired, Stage) => return Ok(Self::Staged),
            (Self::Comparing | Self::Staged | Self::Retired | Self::Active, Activate) => return Ok(Self::Active),
            (Self::Staged, TakeBack) => return Ok(Self::Comparing),
            (Self::Installed | Self::Comparing | Self::Retired, Delete) => return Ok(Self::Installed),
            (Self::Shadow, BeginShadow) => "its templates are being made already; watch the job, or cancel it",
            (_, BeginShadow) => "doors use it or used it: its templates are kept complete by themselves",
            (_, EndShadow) => "no templates of it are being made",
            (Self::Installed, Stage | Activate) => "make its templates first (`POST …/shadow`)",
            (Self::Shadow, Stage | Activate) => "its templates are being made; wait for the job",
            (Self::Active, Stage | TakeBack) => {
                "it is in force everywhere; have another pack take its place, as the one before it"
            }
            (_, TakeBack) => "no door uses it",
            (Self::Shadow, Delete) => "its templates are being made; cancel the job first",
            (Self::Staged, Delete) => "some doors use it; take it back first",
            (Self::Active, Delete) => "it is in force; have another pack take its place first",
        };
        Err(PackRefused { why })
    }
}

/// A pack of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPack {
    /// Name and version.
    pub id: PackId,
    /// How far it has come.
    pub state: PackState,
    /// The manifest, as it came.
    pub manifest: String,
    /// Its archive; `None` for the pack that the configuration names, which every device has, too.
    pub archive: Option<PackFile>,
    /// The job that makes its templates, or made them last.
    pub job: Option<JobId>,
    /// The comparison with the pack in force, JSON without a name in it.
    pub report: Option<String>,
    /// Installed at.
    pub installed_at: UnixMillis,
    /// Changed at.
    pub changed_at: UnixMillis,
}

/// A pack's archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackFile {
    /// Of the whole file.
    pub sha256: [u8; 32],
    /// Of the whole file.
    pub size_bytes: u64,
    /// The key that signed it, SPKI PEM.
    pub key_pem: String,
}

/// A picture of an enrolled face: of whom, and of which photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CropPlace {
    /// Whose face.
    pub person: PersonId,
    /// SHA-256 of the photo it was cut out of, as its templates say it.
    pub source_sha256: [u8; 32],
}

/// A picture of which a pack could make no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackRefusal {
    /// Which.
    pub place: CropPlace,
    /// Why: a stable word, as of photos.
    pub reason: String,
    /// When it was tried.
    pub at: UnixMillis,
}

/// Which doors are to use a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// None.
    Nowhere,
    /// These.
    Doors(Vec<DoorId>),
    /// Every door of these sites.
    Sites(Vec<SiteId>),
    /// So many of a hundred, 1 to 99; always the same ones, and more of them when the share rises.
    Percent(u8),
    /// All: it is in force from now on.
    Everywhere,
}

impl Rollout {
    /// What it comes to.
    #[must_use]
    pub const fn deed(&self) -> PackDeed {
        match self {
            Self::Nowhere => PackDeed::TakeBack,
            Self::Everywhere => PackDeed::Activate,
            Self::Doors(_) | Self::Sites(_) | Self::Percent(_) => PackDeed::Stage,
        }
    }

    /// Whether a device is among those meant.
    #[must_use]
    pub fn takes(&self, device: DeviceId, door: DoorId, site: SiteId) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Everywhere => true,
            Self::Doors(doors) => doors.contains(&door),
            Self::Sites(sites) => sites.contains(&site),
            Self::Percent(share) => lot(device) < u32::from(*share),
        }
    }
}

impl fmt::Display for Rollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nowhere"),
            Self::Everywhere => f.write_str("everywhere"),
            Self::Doors(doors) => write!(f, "{} doors", doors.len()),
            Self::Sites(sites) => write!(f, "{} sites", sites.len()),
            Self::Percent(share) => write!(f, "{share} % of devices"),
        }
    }
}

/// A device's lot, 0 to 99.
fn lot(device: DeviceId) -> u32 {
    let hash = Sha256::digest(device.as_bytes());
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]) % 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_a_pack() {
        use PackDeed::{Activate, BeginShadow, Delete, EndShadow, Stage, TakeBack};
        use PackState::{Active, Comparing, Installed, Retired, Shadow, Staged};
        let deeds = [BeginShadow, EndShadow, Stage, Activate, TakeBack, Delete];
        let check = |state: PackState, expected: [Option<PackState>; 6]| {
            assert_eq!(deeds.map(|deed| state.after(deed).ok()), expected, "{state:?}");
        };
        check(Installed, [Some(Shadow), None, None, None, None, Some(Installed)]);
        check(Shadow, [None, Some(Comparing), None, None, None, None]);
        check(Comparing, [Some(Shadow), None, Some(Staged), Some(Active), None, Some(Installed)]);
        check(Staged, [None, None, Some(Staged), Some(Active), Some(Comparing), None]);
        check(Active, [None, None, None, Some(Active), None, None]);
        check(Retired, [None, None, Some(Staged), Some(Active), None, Some(Installed)]);
        for state in PackState::ALL {
            assert_eq!(PackState::parse(state.as_str()), Some(state));
            assert!(!state.is_served() || state.is_kept_up(), "what doors are given is complete");
        }
    }

    #[test]
    fn a_share_of_devices_grows_without_changing_places() {
        let (door, site) = (DoorId::generate(), SiteId::generate());
        let devices: Vec<DeviceId> = (0..1000).map(|_| DeviceId::generate()).collect();
        let taken = |share| -> Vec<DeviceId> {
            devices.iter().copied().filter(|device| Rollout::Percent(share).takes(*device, door, site)).collect()
        };
        let (ten, fifty) = (taken(10), taken(50));
        assert!((60..=150).contains(&ten.len()) && (430..=570).contains(&fifty.len()));
        assert!(ten.iter().all(|device| fifty.contains(device)));
        let device = devices[0];
        for (rollout, expected) in [
            (Rollout::Nowhere, false),
            (Rollout::Everywhere, true),
            (Rollout::Doors(vec![door]), true),
            (Rollout::Doors(vec![DoorId::generate()]), false),
            (Rollout::Sites(vec![site]), true),
            (Rollout::Sites(vec![]), false),
        ] {
            assert_eq!(rollout.takes(device, door, site), expected, "{rollout}");
        }
    }
}
