//! One story: so many steps with faults among them, then calm.

use std::path::Path;
use std::rc::Rc;

use anyhow::Result;
use ostiary_common::ids::{DoorId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::device::{Door, Site};
use ostiary_server::ports::DeviceStore;
use ostiary_server::store::sql::{SqlStore, StoreUrl};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::fault::Fault;
use super::server::master;
use super::world::{StoryError, Telling, World};

/// Beside the one fault of each kind that comes in any story, so many in a hundred steps are faults.
const FAULT_PERCENT: u32 = 8;
/// Doors of every story.
const DOORS: u128 = 3;

/// How a story went.
pub struct Told {
    /// Faults done, by kind.
    pub faults: std::collections::BTreeMap<Fault, u64>,
    /// Events devices made durable.
    pub events: u64,
    /// Rounds until all had converged, or what went wrong.
    pub end: Result<u32, StoryError>,
}

/// Makes the database every story begins with, and returns the doors in it.
///
/// # Errors
/// If it cannot be made.
pub fn stage(runtime: &Runtime, path: &Path) -> Result<Vec<Door>> {
    let site = Site { id: SiteId(Uuid::from_u128(1)), name: "Site".into(), created_at: UnixMillis(0) };
    let door = |number: u128| Door {
        id: DoorId(Uuid::from_u128(number)),
        site: site.id,
        name: format!("Door {number}"),
        created_at: UnixMillis(0),
    };
    let doors: Vec<Door> = (1..=DOORS).map(door).collect();
    runtime.block_on(async {
        let store = SqlStore::open(&StoreUrl::sqlite(path), &master()).await?;
        store.add_site(&site).await?;
        for door in &doors {
            store.add_door(door).await?;
        }
        store.close().await;
        Ok(doors.clone())
    })
}

/// Tells a story over the database at `path`.
///
/// # Errors
/// If the simulation itself does not work; what the story came to stands in [`Told::end`].
pub fn tell(telling: Telling, steps: u64, runtime: Rc<Runtime>, path: &Path, doors: &[Door]) -> Result<Told> {
    let mut world = World::new(telling, runtime, path, doors)?;
    let end = world.play(steps).and_then(|()| world.calm());
    let end = match end {
        Err(StoryError::Failed(error)) => return Err(error.context(format!("seed {}", telling.seed))),
        end => end,
    };
    Ok(Told { faults: std::mem::take(&mut world.faults), events: world.ledger.count(), end })
}

impl World {
    /// Plays so many steps. Every kind of fault comes at least once, at a step that is drawn, or as soon after it as it
    /// can be done.
    fn play(&mut self, steps: u64) -> Result<(), StoryError> {
        let mut due: Vec<(u64, Fault)> =
            Fault::ALL.iter().map(|fault| (self.dice.between(0, steps * 3 / 4), *fault)).collect();
        // And once near the end: what is damaged early is mended by the way, by whatever changes later.
        due.push((self.dice.between(steps * 3 / 4, steps), Fault::Damage));
        for step in 0..steps {
            self.tell(|| format!("-- step {step}"));
            let mut is_done = false;
            if let Some(which) = due.iter().position(|(at, _)| *at <= step) {
                is_done = self.inflict(due[which].1)?;
                if is_done {
                    due.swap_remove(which);
                } else {
                    due[which].0 = step + 3;
                }
            } else if self.dice.chance(FAULT_PERCENT) {
                let fault = Fault::ALL[self.dice.below(Fault::ALL.len())];
                is_done = self.inflict(fault)?;
            }
            if !is_done {
                self.live()?;
            }
            self.check()?;
        }
        Ok(())
    }
}
