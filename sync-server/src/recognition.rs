//! What follows from how strict recognition is to be: threshold and margin, the errors to expect, and how many
//! people the model pack can tell apart.
//!
//! [`forecast`] computes it, `words` says it plainly, `watch` tells metrics, log and health when the gallery
//! outgrows the pack.

pub mod forecast;
mod watch;
mod words;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostiary_common::ids::{DoorId, PackId};
use ostiary_common::wire::DeviceSettings;
use ostiary_models::decide::Rule;
use tokio::time::Instant;

pub use words::NOT_CALIBRATED;

use self::forecast::{Forecast, Forecaster, Question};
use self::watch::Watch;
use crate::domain::recognition::{Inherited, InstallationRules, Layer, Share, Similarity, Versioned, desired};
use crate::ports::{Store, StoreError};

/// How far below its own threshold a pack that was not calibrated takes two photos for one person.
const BELOW_OWN: f32 = 0.03;
/// A rule follows the number of persons by its logarithm: a count may be so old.
const COUNTED_EVERY: Duration = Duration::from_secs(2);

/// Answers for the installation and its doors, by what is set and the gallery there is now.
pub struct Recognition {
    store: Arc<dyn Store>,
    pack: PackId,
    forecaster: Arc<Forecaster>,
    watch: Watch,
    /// When persons were counted last, and how many there were.
    counted: Mutex<Option<(Instant, u64)>>,
    same_person: f32,
}

/// A door's settings with what holds there.
#[derive(Clone, Debug)]
pub struct AtDoor {
    /// What the door says.
    pub door: Versioned<Layer>,
    /// What its devices are told, unless their own settings say otherwise.
    pub in_force: DeviceSettings,
    /// What follows.
    pub forecast: Forecast,
}

impl Recognition {
    /// Over a store, for one model pack.
    pub fn new(store: Arc<dyn Store>, pack: PackId, forecaster: Forecaster) -> Self {
        let same_person = same_person_limit(&forecaster);
        let (watch, counted) = (Watch::default(), Mutex::default());
        Self { store, pack, forecaster: Arc::new(forecaster), watch, counted, same_person }
    }

    /// The installation's settings and what follows from them. Also what metrics and health tell from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn installation(&self) -> Result<(Versioned<InstallationRules>, Forecast), StoreError> {
        let set = self.store.recognition().await?;
        let question = Question {
            target_fpir: set.value.target_fpir,
            target_fnir: set.value.target_fnir,
            threshold: None,
            margin: None,
            persons: self.persons().await?,
        };
        let forecast = self.answer(question).await;
        self.watch.note(&forecast);
        Ok((set, forecast))
    }

    /// A door's settings and what follows from them if it may know `persons`; `None` if there is no such door.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn door(&self, id: DoorId, persons: u64) -> Result<Option<AtDoor>, StoreError> {
        let Some(door) = self.store.door_recognition(id).await? else { return Ok(None) };
        let installation = self.store.recognition().await?.value;
        let inherited = Inherited { door: door.value, installation: installation.layer() };
        let in_force = desired(&DeviceSettings::default(), &inherited);
        let question = Question {
            target_fpir: in_force.target_fpir.and_then(|share| Share::parse(share).ok()),
            target_fnir: installation.target_fnir,
            threshold: in_force.match_threshold.and_then(|figure| Similarity::parse(figure).ok()),
            margin: in_force.match_margin.and_then(|figure| Similarity::parse(figure).ok()),
            persons,
        };
        let forecast = self.answer(question).await;
        Ok(Some(AtDoor { door, in_force, forecast }))
    }

    /// What would follow. Off the async threads: a pack's capacity takes tens of milliseconds to find.
    pub async fn answer(&self, question: Question) -> Forecast {
        let forecaster = Arc::clone(&self.forecaster);
        let answer = tokio::task::spawn_blocking(move || forecaster.answer(&question)).await;
        answer.expect("a forecast is arithmetic and does not panic")
    }

    /// Similarity from which another person is to be named at enrollment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lookalike_limit(&self) -> Result<f32, StoreError> {
        Ok(self.at_enrollment().await?.0)
    }

    /// The same, and the rule in force.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn at_enrollment(&self) -> Result<(f32, Rule), StoreError> {
        let rules = self.store.recognition().await?.value;
        let rule = self.rule_for(rules.target_fpir).await?;
        Ok((rules.lookalike.map_or_else(|| forecast::lookalike_limit(rule), Similarity::get), rule))
    }

    /// Threshold and margin in force for the installation.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rule(&self) -> Result<Rule, StoreError> {
        self.rule_for(self.store.recognition().await?.value.target_fpir).await
    }

    async fn rule_for(&self, target: Option<Share>) -> Result<Rule, StoreError> {
        // The pack's own does not depend on how many are enrolled.
        let persons = if target.is_some() { self.lately().await? } else { 0 };
        Ok(self.forecaster.rule(target, persons))
    }

    /// About how many there are. Enrollment asks with every face, and to count them all each time would make an archive of
    /// thousands cost by their square.
    async fn lately(&self) -> Result<u64, StoreError> {
        let counted = *self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, persons)) = counted.filter(|(at, _)| at.elapsed() < COUNTED_EVERY) {
            return Ok(persons);
        }
        let persons = self.persons().await?;
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), persons));
        Ok(persons)
    }

    /// Mean similarity from which visits of nobody known are taken for visits of one: the pack's own threshold, which does
    /// not depend on how many are enrolled.
    pub fn group_threshold(&self) -> f32 {
        self.forecaster.rule(None, 0).threshold
    }

    /// Similarity (cosine) below which two photos are not taken for one person: as strangers come by it once in a
    /// hundred pairs, or a little below the pack's own threshold where that was not measured.
    pub const fn same_person_limit(&self) -> f32 {
        self.same_person
    }

    /// Whether thresholds can be derived from a target at all.
    pub fn is_calibrated(&self) -> bool {
        self.forecaster.is_calibrated()
    }

    /// What is to be said of the gallery as last looked at, if anything is.
    pub fn warning(&self) -> Option<String> {
        self.watch.warning()
    }

    /// The model pack.
    pub const fn pack(&self) -> &PackId {
        &self.pack
    }

    /// Persons a door may know: everybody with a template of the pack.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn persons(&self) -> Result<u64, StoreError> {
        Ok(self.store.gallery_size(&self.pack).await?.persons)
    }
}
fn same_person_limit(forecaster: &Forecaster) -> f32 {
    let one_in_a_hundred = Share::parse(0.01).ok().filter(|_| forecaster.is_calibrated());
    let rule = forecaster.rule(one_in_a_hundred, 1);
    if one_in_a_hundred.is_some() { rule.threshold } else { rule.threshold - BELOW_OWN }
}
