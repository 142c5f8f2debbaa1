//! Looks after model packs: what the server orders is fetched, tried on this board, given its gallery beside the one in
//! use, and only then switched to, while nobody is in sight. What fails is told, and the pack in use goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::PackId;
use ostiary_common::wire::monitor::{OtherPack, PackStage};
use ostiary_common::wire::{PackArchive, PackOrder, ReportKind};
use ostiary_models::pack::Pack;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::backoff::Backoff;
use crate::identity::Renewer;
use crate::packs::admit::{NotAdmitted, admit, believed, fits};
use crate::packs::choice::Choice;
use crate::packs::dir_of;
use crate::packs::fetch::{discard, fetch};
use crate::packs::porting::{Ordered, PortWord};
use crate::recorder::Recorder;
use crate::shared::Shared;

/// Which pack this run of the program uses, and what it may come to use.
pub struct Packs {
    /// The configuration with the folder of the pack in use.
    pub in_use: Arc<Config>,
    /// What is run.
    pub choice: Choice,
    config: Arc<Config>,
    own: Option<PackId>,
    gave_up: Option<String>,
}

impl Packs {
    /// Decides what is run: what was chosen before, unless it did not come up then or is not there any more.
    #[must_use]
    pub fn choose(config: Config) -> Self {
        let dir = config.device.state_dir.clone();
        let known = Choice::read(&dir);
        let (mut choice, mut gave_up) = match known.clone().started() {
            Ok(choice) => (choice, None),
            Err(given_up) => {
                let (choice, why) = *given_up;
                (choice, Some(why))
            }
        };
        if let Some(id) = choice.run.clone() {
            let found = Pack::load(dir_of(&dir, &id)).map(|pack| pack.id().clone());
            if found.as_ref().ok() != Some(&id) {
                let why = format!("{id} is not here any more, or is damaged");
                choice = Choice { run: None, trial: None, ..choice.gave_up(&why) };
                gave_up = Some(why);
            }
        }
        if choice != known {
            keep(&choice, &dir);
        }
        let own = Pack::load(&config.models.pack_dir).ok().map(|pack| pack.id().clone());
        let mut in_use = config.clone();
        in_use.models.pack_dir = choice.dir(&dir, &config.models.pack_dir);
        Self { in_use: Arc::new(in_use), choice, config: Arc::new(config), own, gave_up }
    }

    /// The pack on trial does not come up.
    pub fn give_up(&self, why: &str) {
        tracing::error!("the model pack on trial does not come up: {why}");
        keep(&self.choice.clone().gave_up(why), &self.config.device.state_dir);
    }

    /// The program ends in order.
    pub fn ended_well(&self) {
        let dir = &self.config.device.state_dir;
        let known = Choice::read(dir);
        let well = known.clone().ended_well();
        if well != known {
            keep(&well, dir);
        }
    }

    /// Whoever looks after packs in this run.
    #[must_use]
    pub fn porter(&self, shared: &Arc<Shared>, recorder: &Recorder, renewer: Renewer) -> Porter {
        Porter {
            shared: Arc::clone(shared),
            recorder: recorder.clone(),
            config: Arc::clone(&self.config),
            own: self.own.clone(),
            renewer,
            choice: self.choice.clone(),
            gave_up: self.gave_up.clone(),
        }
    }
}

fn keep(choice: &Choice, state_dir: &Path) {
    if let Err(error) = choice.keep(state_dir) {
        tracing::warn!(%error, "which pack is run cannot be written down: {error}");
    }
}

/// How often is looked whether the gallery is there and nobody in sight.
const ROUND: Duration = Duration::from_millis(500);
/// Waits between attempts to fetch.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(600));
/// After so long the switch is made though somebody is in sight: at some doors somebody always is.
const LONGEST_COMPANY: Duration = Duration::from_secs(120);
/// A pack has run well after this time.
const WELL_AFTER: Duration = Duration::from_secs(20);
/// A gallery that does not come is no reason to stay for ever with a pack the server does not want run.
const LONGEST_FILLING: Duration = Duration::from_secs(1800);

/// What it works with.
pub struct Porter {
    /// Shared by every part.
    pub shared: Arc<Shared>,
    /// For reports.
    pub recorder: Recorder,
    /// The configuration as it was read, not as the pack in use has changed it.
    pub config: Arc<Config>,
    /// The configuration's own pack, if it can be read.
    pub own: Option<PackId>,
    /// Asks the server.
    pub renewer: Renewer,
    /// What is run.
    pub choice: Choice,
    /// A pack was just given up, for this reason.
    pub gave_up: Option<String>,
}

/// How looking after one order ended.
enum Outcome {
    /// Another order came.
    Changed,
    /// There is nothing more to do for it.
    Settled,
}

impl Porter {
    /// Works until the end.
    pub async fn run(mut self, shutdown: CancellationToken) {
        if let Some(why) = self.gave_up.take() {
            self.report(&format!("the new model pack was given up, the one before is run again: {why}"));
        }
        let mut orders = self.shared.porting.orders();
        let _ = shutdown.run_until_cancelled(self.look_after(&mut orders)).await;
    }

    async fn look_after(&mut self, orders: &mut watch::Receiver<Ordered>) {
        let began = self.shared.clock.elapsed();
        loop {
            let ordered = orders.borrow_and_update().clone();
            let outcome = match ordered {
                Ordered::Nothing => Outcome::Settled,
                Ordered::Pack(order) => self.obey(order, orders).await,
            };
            if let Outcome::Changed = outcome {
                continue;
            }
            // A pack on trial is confirmed once it has run for a while.
            let well = WELL_AFTER.saturating_sub(self.shared.clock.elapsed().saturating_sub(began));
            let is_on_trial = self.choice.trial.is_some();
            tokio::select! {
                changed = orders.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(well), if is_on_trial => self.confirm(),
            }
        }
    }

    fn confirm(&mut self) {
        self.choice = std::mem::take(&mut self.choice).confirmed();
        self.keep();
        tracing::info!("{} has run well and stays", self.shared.pack);
    }

    /// Does what is ordered, as far as it can be done.
    async fn obey(&mut self, order: Option<PackOrder>, orders: &mut watch::Receiver<Ordered>) -> Outcome {
        let (run, archive, hold) = match order {
            Some(PackOrder { run, archive, hold }) => (Some(run), archive, hold),
            None => (self.own.clone(), None, None),
        };
        let Some(run) = run else { return Outcome::Settled };
        if run == self.shared.pack {
            return self.hold(hold, orders).await;
        }
        self.come_to(run, archive, orders).await
    }

    /// Runs what it should: another pack's gallery is kept at hand, if that is wanted.
    async fn hold(&self, hold: Option<PackId>, orders: &mut watch::Receiver<Ordered>) -> Outcome {
        let here = hold.filter(|id| *id != self.shared.pack && self.is_here(id));
        self.ask(PortWord::Beside(here.clone()));
        let Some(id) = here else {
            self.tell(None);
            return Outcome::Settled;
        };
        self.tell(Some((&id, PackStage::Filling, "")));
        while !self.shared.porting.is_filled(&id) {
            if self.pause(ROUND, orders).await {
                return Outcome::Changed;
            }
        }
        self.tell(Some((&id, PackStage::Ready, "")));
        Outcome::Settled
    }

    /// Gets a pack ready and switches to it.
    async fn come_to(
        &mut self,
        id: PackId,
        archive: Option<PackArchive>,
        orders: &mut watch::Receiver<Ordered>,
    ) -> Outcome {
        let sha256 = archive.as_ref().map(|archive| archive.sha256.clone()).unwrap_or_default();
        if let Some(why) = self.choice.why_failed(&sha256).map(str::to_owned) {
            return self.failed(&id, &why);
        }
        if !self.is_here(&id) {
            let Some(archive) = archive else {
                return self.failed(&id, "it is not here, and the server has no archive of it");
            };
            self.tell(Some((&id, PackStage::Fetching, "")));
            match self.get(&id, &archive, orders).await {
                Ok(()) => {}
                Err(None) => return Outcome::Changed,
                Err(Some(why)) => {
                    self.choice.failed(sha256, &why);
                    self.keep();
                    return self.failed(&id, &why);
                }
            }
        } else if let Err(why) = self.try_here(&id).await {
            return self.failed(&id, &why);
        }
        self.ask(PortWord::Beside(Some(id.clone())));
        self.tell(Some((&id, PackStage::Filling, "")));
        let began = self.shared.clock.elapsed();
        while !self.shared.porting.is_filled(&id) {
            let waited = self.shared.clock.elapsed().saturating_sub(began);
            if waited >= LONGEST_FILLING {
                return self.failed(&id, "its gallery does not come");
            }
            if self.pause(ROUND, orders).await {
                return Outcome::Changed;
            }
        }
        self.tell(Some((&id, PackStage::Ready, "")));
        let ready = self.shared.clock.elapsed();
        while self.shared.porting.has_company() && self.shared.clock.elapsed().saturating_sub(ready) < LONGEST_COMPANY {
            if self.pause(ROUND, orders).await {
                return Outcome::Changed;
            }
        }
        self.switch(id, sha256)
    }

    /// Fetches and admits an archive; `Err(None)` if something else was ordered meanwhile, else why it is of no use.
    async fn get(
        &self,
        id: &PackId,
        archive: &PackArchive,
        orders: &mut watch::Receiver<Ordered>,
    ) -> Result<(), Option<String>> {
        let dir = &self.config.device.state_dir;
        let mut backoff = Backoff::new(PATIENCE.0, PATIENCE.1);
        let mut damaged = 0_u32;
        loop {
            let fetched = tokio::select! {
                _ = orders.changed() => return Err(None),
                fetched = fetch(&self.renewer, &self.shared.clock, dir, id, archive) => fetched,
            };
            let why = match fetched {
                Ok(file) => match self.admitted(id, archive, file).await {
                    Ok(()) => return Ok(()),
                    Err(NotAdmitted::Unfit(why)) => return Err(Some(why)),
                    // What is damaged on its way may come whole the next time; what is not believed does not.
                    Err(NotAdmitted::Archive(why)) => {
                        discard(dir, archive);
                        damaged += 1;
                        if damaged >= 2 {
                            return Err(Some(why));
                        }
                        why
                    }
                },
                Err(error) => error.to_string(),
            };
            tracing::warn!("the model pack {id} is not here yet: {why}");
            self.tell(Some((id, PackStage::Fetching, &why)));
            if self.pause(backoff.next(rand::random()), orders).await {
                return Err(None);
            }
        }
    }

    async fn admitted(&self, id: &PackId, archive: &PackArchive, file: PathBuf) -> Result<(), NotAdmitted> {
        let keys = believed(&self.config.models.pack_keys, archive)?;
        let (dir, id, archive) = (self.config.device.state_dir.clone(), id.clone(), archive.clone());
        let admitted = tokio::task::spawn_blocking(move || admit(&dir, &id, &file, &archive, &keys)).await;
        admitted.unwrap_or_else(|error| Err(NotAdmitted::Unfit(error.to_string())))
    }

    /// A pack that lies here is tried once more before it is switched to.
    async fn try_here(&self, id: &PackId) -> Result<(), String> {
        let (dir, id) = (self.dir(id), id.clone());
        let tried = tokio::task::spawn_blocking(move || fits(&dir, &id)).await;
        tried.map_err(|error| error.to_string())?.map_err(|why| why.to_string())
    }

    fn switch(&mut self, id: PackId, sha256: String) -> Outcome {
        tracing::info!("switching from {} to {id}", self.shared.pack);
        let to = (self.own.as_ref() != Some(&id)).then(|| id.clone());
        let before = self.choice.clone();
        self.choice = std::mem::take(&mut self.choice).switched(to, sha256);
        if let Err(error) = self.choice.keep(&self.config.device.state_dir) {
            self.choice = before;
            return self.failed(&id, &format!("what is to be run cannot be written down: {error}"));
        }
        self.report(&format!("switching from model pack {} to {id}", self.shared.pack));
        self.ask(PortWord::Switch);
        Outcome::Settled
    }

    fn is_here(&self, id: &PackId) -> bool {
        self.own.as_ref() == Some(id) || Pack::load(self.dir(id)).is_ok_and(|pack| pack.id() == id)
    }

    fn dir(&self, id: &PackId) -> PathBuf {
        match self.own.as_ref() == Some(id) {
            true => self.config.models.pack_dir.clone(),
            false => dir_of(&self.config.device.state_dir, id),
        }
    }

    fn keep(&self) {
        keep(&self.choice, &self.config.device.state_dir);
    }

    fn failed(&self, id: &PackId, why: &str) -> Outcome {
        self.ask(PortWord::Beside(None));
        self.tell(Some((id, PackStage::Failed, why)));
        self.report(&format!("the model pack {id} cannot be run, {} goes on: {why}", self.shared.pack));
        Outcome::Settled
    }

    fn report(&self, words: &str) {
        if self.recorder.report(&self.shared, ReportKind::ModelPack, words) {
            tracing::warn!("{words}");
        }
    }

    fn tell(&self, told: Option<(&PackId, PackStage, &str)>) {
        let other = told.map(|(id, stage, detail)| OtherPack {
            id: id.to_string(),
            stage,
            detail: detail.chars().take(MOST_WORDS).collect(),
        });
        self.ask(PortWord::Tell(other));
    }

    fn ask(&self, word: PortWord) {
        self.shared.porting.ask(word);
        self.shared.outbox_changed.notify_one();
    }

    /// Waits; whether something else was ordered meanwhile.
    async fn pause(&self, time: Duration, orders: &mut watch::Receiver<Ordered>) -> bool {
        tokio::time::timeout(time, orders.changed()).await.is_ok()
    }
}

/// Characters of a reason that are told.
const MOST_WORDS: usize = 200;
