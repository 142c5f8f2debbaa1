//! What handlers work with.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use metrics_exporter_prometheus::PrometheusHandle;
use ostiary_common::ids::PackId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::auth::Caller;
use super::cursor::Cursors;
use super::extract::ClientAddress;
use super::limits::Limits;
use super::notices::Notices;
use super::request_id::RequestId;
use super::v1::events::live::recent::Recent;
use crate::accounts::Accounts;
use crate::capture::Captures;
use crate::clip::Clips;
use crate::config::{HttpConfig, LimitsConfig};
use crate::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use crate::domain::recognition::Changed;
use crate::enroll::Enrollment;
use crate::enroll::door::DoorDesk;
use crate::eraser::Completed;
use crate::faces::held::HeldFaces;
use crate::health::Monitor;
use crate::identity::authority::Authority;
use crate::identity::devices::DeviceIdentity;
use crate::identity::revocations::RevocationList;
use crate::identity::tokens::Tokens;
use crate::jobs::Jobs;
use crate::live::LiveCursor;
use crate::names::NameIndex;
use crate::packs::Packs;
use crate::ports::face_crops::FaceCropStore;
use crate::ports::figures::FigureStore;
use crate::ports::health::HealthStore;
use crate::ports::reach::ReachStore;
use crate::ports::searches::SearchStore;
use crate::ports::talk::TalkStore;
use crate::ports::{Clock, DeviceLink, LifeStore, Store, StoreError};
use crate::recognition::Recognition;
use crate::refusals::{Refusal, RefusalLog};
use crate::retainer::Retainer;
use crate::sealing::DerivedKey;
use crate::talk::search::TalkIndex;
use crate::telemetry::faults::Recorder;

/// Everything a handler may use.
pub struct ApiParts {
    /// What the server knows.
    pub store: Arc<dyn Store>,
    /// What it knows of devices' lives.
    pub lives: Arc<dyn LifeStore>,
    /// What of it lies within a reach.
    pub within: Arc<dyn ReachStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Checks and signs tokens.
    pub tokens: Arc<Tokens>,
    /// Who comes in, and how.
    pub accounts: Accounts,
    /// The CA.
    pub authority: Arc<Authority>,
    /// Claims and renewals.
    pub devices: DeviceIdentity,
    /// The list of certificates that are no longer good.
    pub revocations: RevocationList,
    /// Tells devices of changes.
    pub link: Arc<dyn DeviceLink>,
    /// Says when there are new events.
    pub live: Arc<LiveCursor>,
    /// Says when erasures are complete.
    pub erasures: Completed,
    /// Makes templates of photos.
    pub enrollment: Arc<Enrollment>,
    /// Pictures of enrolled faces.
    pub face_crops: Arc<dyn FaceCropStore>,
    /// Model packs.
    pub packs: Packs,
    /// Enrollments at doors.
    pub doors: Arc<DoorDesk>,
    /// Guided captures, and clips that wait for approval.
    pub captures: Arc<Captures>,
    /// Takes clips apart.
    pub clips: Arc<Clips>,
    /// Work that goes on after the answer.
    pub jobs: Arc<Jobs>,
    /// Faces of visits of nobody known.
    pub faces: Arc<HeldFaces>,
    /// Knows what follows from how strict recognition is.
    pub recognition: Arc<Recognition>,
    /// The pack devices must run.
    pub pack: PackId,
    /// Takes refusals for the audit log.
    pub refusals: Arc<RefusalLog>,
    /// Makes and reads positions in lists.
    pub cursors: Cursors,
    /// Seals answers that are kept for requests that come again.
    pub answers: DerivedKey,
    /// Signs links to pictures.
    pub links: DerivedKey,
    /// Finds persons by name.
    pub names: NameIndex,
    /// Whom notices tell, and by what rules.
    pub notices: Notices,
    /// What people say.
    pub talk: Arc<dyn TalkStore>,
    /// What people looked for.
    pub searches: Arc<dyn SearchStore>,
    /// Finds it by words.
    pub said: TalkIndex,
    /// Counts that figures are made of.
    pub figures: Arc<dyn FigureStore>,
    /// How often may be asked.
    pub limits: Limits,
    /// How much may be asked.
    pub bounds: LimitsConfig,
    /// Whom the edge believes and lets in.
    pub edge: HttpConfig,
    /// The newest events, for those who watch.
    pub recent: Recent,
    /// Live connections now.
    pub live_connections: AtomicUsize,
    /// How every part is.
    pub health: Arc<Monitor>,
    /// What is kept of errors and the fleet.
    pub health_store: Arc<dyn HealthStore>,
    /// Writes errors down.
    pub recorder: Arc<Recorder>,
    /// Removes what is old, and tells of it.
    pub retainer: Arc<Retainer>,
    /// Renders metrics.
    pub metrics: PrometheusHandle,
    /// Ends live connections.
    pub shutdown: CancellationToken,
}

/// A handle to [`ApiParts`], cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<ApiParts>);

impl Api {
    /// Wraps the parts.
    pub fn new(parts: ApiParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Writes a line of what was done. A change that cannot be audited is an error to the caller.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_done(
        &self,
        caller: &Caller,
        action: &str,
        target: String,
        detail: String,
    ) -> Result<(), StoreError> {
        self.audit(caller.actor(), caller.address, action, target, detail).await
    }

    /// The same for one who is not signed in as a user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit(
        &self,
        actor: String,
        address: ClientAddress,
        action: &str,
        target: String,
        detail: String,
    ) -> Result<(), StoreError> {
        let (at, action, source) = (self.clock.now(), action.to_owned(), address.to_string());
        let entry = AuditEntry { at, actor, action, target, source, result: AuditResult::Ok, detail };
        self.store.audit_traced(&entry, &AuditTrace { request: RequestId::current(), was: None, became: None }).await
    }

    /// A line of what a caller is about to do, with what was there before and will be then, for stores that write it
    /// together with the change.
    pub fn note(
        &self,
        caller: &Caller,
        action: &str,
        target: String,
        was: Option<Value>,
        became: Option<Value>,
    ) -> AuditNote {
        let entry = AuditEntry {
            at: self.clock.now(),
            actor: caller.actor(),
            action: action.to_owned(),
            target,
            source: caller.address.to_string(),
            result: AuditResult::Ok,
            detail: String::new(),
        };
        let json = |value: Option<Value>| value.map(|value| value.to_string());
        AuditNote { entry, trace: AuditTrace { request: RequestId::current(), was: json(was), became: json(became) } }
    }

    /// Notes a refusal for the audit log; floods are counted, not written.
    pub fn refuse(&self, actor: String, address: ClientAddress, action: &'static str, target: &str, detail: String) {
        let (target, source) = (target.to_owned(), address.to_string());
        self.refusals.refuse(Refusal { actor, action, target, source, detail });
    }

    /// Has those devices told that have a new configuration.
    pub fn tell_devices(&self, changed: &Changed) {
        for device in &changed.devices {
            self.link.config_changed(*device);
        }
    }

    /// Has devices told of a new revision, if there is one.
    pub fn tell_gallery(&self, rev: Option<Revision>) {
        rev.into_iter().for_each(|rev| self.link.gallery_changed(rev));
    }

    /// Now.
    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }
}

impl Deref for Api {
    type Target = ApiParts;
    fn deref(&self) -> &ApiParts {
        &self.0
    }
}
