//! Doing the items of an import: rows become persons, then photos become templates.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use serde::Serialize;
use uuid::Uuid;
use zip::ZipArchive;

use super::archive::unpack;
use super::prepare::{ImportTask, PhotoTask};
use super::row::RowTask;
use super::{ImportPlan, UPLOAD};
use crate::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use crate::domain::consent::{Consent, ConsentId, ConsentMethod, ConsentMissing, ConsentWords};
use crate::domain::gallery::Validity;
use crate::domain::import::ImportedPerson;
use crate::domain::job::{ClaimedItem, Effect, ItemState, JobId, JobKind};
use crate::domain::person::Person;
use crate::enroll::Enrollment;
use crate::enroll::asked::{Asker, Circles};
use crate::enroll::batch::{JobPhoto, PhotoOutcome, brought, json, parsed};
use crate::jobs::Jobs;
use crate::jobs::spool::SealedFile;
use crate::jobs::work::{Finished, Work, WorkError};

/// Archives kept open: reading one's directory anew for each photo would take longer than the photo.
const KEPT_OPEN: usize = 2;
/// What an exported person without an id of another system is called.
pub const OWN_PREFIX: &str = "ostiary:";

/// Does items of imports.
pub struct ImportWork {
    /// Makes templates.
    pub enrollment: Arc<Enrollment>,
    /// What was uploaded.
    pub jobs: Arc<Jobs>,
    /// What who asked may now.
    pub circles: Circles,
    /// Bytes of the largest photo.
    pub photo_max_bytes: u64,
    archives: Mutex<VecDeque<(JobId, ZipArchive<SealedFile>)>>,
}

/// What became of a row.
#[derive(Clone, Debug, Default, Serialize)]
struct RowOutcome {
    /// Its line in the table.
    line: u64,
    /// What the other system calls the person.
    external_id: String,
    /// What happened and what to do, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

#[async_trait]
impl Work for ImportWork {
    fn kind(&self) -> JobKind {
        JobKind::Import
    }

    async fn work(&self, item: &ClaimedItem) -> Result<Finished, WorkError> {
        let plan: ImportPlan = parsed(&item.plan)?;
        let asker = self.circles.asker(item.account).await?;
        match parsed(&item.task)? {
            ImportTask::Row(row) => self.row(item, &plan, *row, asker).await,
            ImportTask::Photo(photo) => self.photo(item, &plan, photo, asker).await,
        }
    }
}

impl ImportWork {
    /// Over what was uploaded, and what makes templates.
    pub fn new(enrollment: Arc<Enrollment>, jobs: Arc<Jobs>, circles: Circles, photo_max_bytes: u64) -> Self {
        Self { enrollment, jobs, circles, photo_max_bytes, archives: Mutex::default() }
    }

    async fn row(
        &self,
        item: &ClaimedItem,
        plan: &ImportPlan,
        row: RowTask,
        Asker { circle, actor }: Asker,
    ) -> Result<Finished, WorkError> {
        let mut outcome = RowOutcome { line: row.line, external_id: row.external.clone(), detail: String::new() };
        let refused = |mut outcome: RowOutcome, slug: &str, words: &str| {
            words.clone_into(&mut outcome.detail);
            Ok(Finished::refused(slug, json(&outcome)))
        };
        if let Some((slug, words)) = &row.problem {
            return refused(outcome, slug, words);
        }
        let known = self.known(&row.external).await?;
        let allowed = circle.is_some_and(|circle| {
            known.as_ref().is_none_or(|person| circle.owns(&person.groups))
                && row.groups.as_ref().map_or(known.is_some() || circle.owns(&[]), |groups| circle.owns(groups))
        });
        if !allowed {
            let words = "Who asked for this may not add or change this person: the groups lie beyond reach.";
            return refused(outcome, "not-allowed", words);
        }
        let person = self.imported(&row, plan, known.as_ref(), &actor).await?;
        let lacking = match (&person.consent, &known) {
            (Some(_), _) => None,
            (None, None) => Some(ConsentMissing::Never),
            (None, Some(known)) => self.enrollment.consent_missing(known.id).await?,
        };
        let word = match (&known, plan.dry_run) {
            (None, true) => "would-add",
            (None, false) => "added",
            (Some(known), _) if self.is_same(known, &person).await? => "unchanged",
            (Some(_), true) => "would-change",
            (Some(_), false) => "changed",
        };
        let id = known.as_ref().map_or(person.id, |known| known.id);
        let effects = match word {
            "added" | "changed" => self.effects(item, (plan, actor), person, (id, word)),
            _ => Vec::new(),
        };
        if let Some(missing) = lacking {
            outcome.detail = format!("No photo is taken: {missing}.");
        }
        let mut finished = Finished::done(word, json(&outcome), effects);
        finished.settlement.person = known.map(|known| known.id);
        Ok(finished)
    }

    /// The person that the table means, if there is one already.
    async fn known(&self, external: &str) -> Result<Option<Person>, WorkError> {
        let own = external.strip_prefix(OWN_PREFIX).and_then(|id| Uuid::try_parse(id).ok()).map(PersonId);
        if let Some(person) = match own {
            Some(id) => self.enrollment.store.person(id).await?,
            None => None,
        } {
            return Ok(Some(person));
        }
        Ok(match self.jobs.store.person_by_external(external).await? {
            Some(id) => self.enrollment.store.person(id).await?,
            None => None,
        })
    }

    async fn imported(
        &self,
        row: &RowTask,
        plan: &ImportPlan,
        known: Option<&Person>,
        actor: &str,
    ) -> Result<ImportedPerson, WorkError> {
        let now = self.jobs.clock.now();
        let id = known.map_or_else(PersonId::generate, |known| known.id);
        let consent = match known {
            _ if !(plan.consent || row.says_consent()) => None,
            None => Some(self.consent(id, row, actor).await?),
            Some(known) => match self.enrollment.consent_missing(known.id).await? {
                // Who has withdrawn is asked anew by people, not by a table.
                None | Some(ConsentMissing::Withdrawn) => None,
                Some(_) => Some(self.consent(id, row, actor).await?),
            },
        };
        let span = row.validity.map(|(from, until)| Validity::parse(from.map(UnixMillis), until.map(UnixMillis)));
        Ok(ImportedPerson {
            id,
            external: row.external.clone(),
            name: row.name.clone(),
            consent,
            // It was read once already, when the table was.
            validity: span.and_then(Result::ok),
            groups: row.groups.clone(),
            notes: row.notes.clone(),
            fields: (!row.fields.is_empty())
                .then(|| row.fields.iter().map(|(key, cell)| (key.clone(), cell.clone().into())).collect()),
            at: now,
        })
    }

    /// A consent as a row tells it: to the text in force, with the proof in the other system.
    async fn consent(&self, person: PersonId, row: &RowTask, actor: &str) -> Result<Consent, WorkError> {
        let now = self.jobs.clock.now();
        let version = self.enrollment.store.consent_text().await?.text.version;
        Ok(Consent {
            id: ConsentId::generate(),
            person,
            text_version: Some(version),
            language: None,
            method: ConsentMethod::Imported,
            given_at: row.consent_at.map_or(now, UnixMillis).min(now),
            recorded_at: now,
            recorded_by: actor.to_owned(),
            words: ConsentWords::default(),
            end: None,
        })
    }

    /// Whether a row would change nothing.
    async fn is_same(&self, known: &Person, wanted: &ImportedPerson) -> Result<bool, WorkError> {
        let mut groups = wanted.groups.clone().unwrap_or_else(|| known.groups.clone());
        groups.sort_unstable();
        groups.dedup();
        let terms = groups == known.groups && wanted.validity.is_none_or(|span| span == known.validity);
        if !terms || wanted.consent.is_some() || known.name != wanted.name {
            return Ok(false);
        }
        let profile = self.enrollment.store.profile(known.id).await?.map(|(profile, _)| profile).unwrap_or_default();
        let notes = wanted.notes.as_ref().is_none_or(|notes| *notes == profile.notes);
        Ok(notes && wanted.fields.as_ref().is_none_or(|fields| *fields == profile.fields))
    }

    fn effects(
        &self,
        item: &ClaimedItem,
        (plan, actor): (&ImportPlan, String),
        person: ImportedPerson,
        (id, word): (PersonId, &str),
    ) -> Vec<Effect> {
        let consent = if person.consent.is_some() { ", with consent" } else { "" };
        let entry = AuditEntry {
            at: self.jobs.clock.now(),
            actor,
            action: if word == "added" { "person.create" } else { "person.update" }.to_owned(),
            target: format!("person:{id}"),
            source: plan.source.clone(),
            result: AuditResult::Ok,
            detail: format!("job:{}{consent}", item.lease.job),
        };
        let note = AuditNote { entry, trace: AuditTrace::default() };
        vec![Effect::Person(Box::new(person)), Effect::Note(Box::new(note))]
    }

    async fn photo(
        &self,
        item: &ClaimedItem,
        plan: &ImportPlan,
        photo: PhotoTask,
        Asker { circle, actor }: Asker,
    ) -> Result<Finished, WorkError> {
        let refused = |slug: &str, words: &str| {
            let outcome = PhotoOutcome { label: photo.path.clone(), detail: words.to_owned(), ..Default::default() };
            Ok(Finished::refused(slug, json(&outcome)))
        };
        if let Some((slug, words)) = &photo.problem {
            return refused(slug, words);
        }
        if item.parent != Some(ItemState::Done) {
            return refused("row-refused", "The row it belongs to was not taken.");
        }
        let person = match (item.person, plan.dry_run) {
            (Some(id), _) => self.enrollment.store.person(id).await?,
            (None, true) => self.known(photo.external.as_deref().unwrap_or_default()).await?,
            (None, false) => None,
        };
        // Whom a dry run would add is not there; the photo is judged as their first.
        let is_new = plan.dry_run && person.is_none();
        let Some(circle) = circle.filter(|circle| is_new || person.as_ref().is_some_and(|p| circle.owns(&p.groups)))
        else {
            return match person {
                None => refused("person-gone", "The person was removed meanwhile."),
                Some(_) => refused("not-allowed", "Who asked for this may not enroll this person any more."),
            };
        };
        let missing = match &person {
            Some(person) => self.enrollment.consent_missing(person.id).await?,
            None => Some(ConsentMissing::Never),
        };
        // Only a dry run meets a row whose word is not in the store yet.
        let will_be = plan.dry_run && (plan.consent || photo.consent) && missing != Some(ConsentMissing::Withdrawn);
        if let Some(missing) = missing.filter(|_| !will_be) {
            return refused("consent-missing", &format!("No photo is taken: {missing}."));
        }
        let bytes = match self.unpacked(item, &photo.path).await? {
            Ok(bytes) => bytes,
            Err(why) => return refused("image-unreadable", &format!("In the archive, {why}.")),
        };
        let taken = JobPhoto {
            person: person.map_or(PersonId(Uuid::nil()), |person| person.id),
            item,
            under_way: &self.jobs.under_way,
            label: photo.path,
            bytes,
            circle: &circle,
            insist: plan.insist,
            source: &plan.source,
            actor,
            dry_run: plan.dry_run,
        };
        self.enrollment.take_later(taken).await
    }

    async fn unpacked(&self, item: &ClaimedItem, path: &str) -> Result<Result<Bytes, &'static str>, WorkError> {
        let mut archive = self.archive(item.lease.job).await?;
        let (path, at_most) = (path.to_owned(), self.photo_max_bytes);
        let bytes = tokio::task::spawn_blocking(move || unpack(&mut archive, &path, at_most)).await;
        let bytes = bytes.map_err(|error| WorkError::Failed(error.to_string()))?;
        Ok(bytes.and_then(|bytes| bytes.map(Bytes::from).ok_or("there is no such file")))
    }

    /// A job's archive, with a place of its own in the file; the directory is shared.
    async fn archive(&self, job: JobId) -> Result<ZipArchive<SealedFile>, WorkError> {
        let kept = |archives: &VecDeque<(JobId, ZipArchive<SealedFile>)>| {
            archives.iter().find(|(of, _)| *of == job).map(|(_, archive)| archive.clone())
        };
        if let Some(archive) = kept(&self.archives.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(archive);
        }
        let gone = || WorkError::Hopeless("the job is not there any more".to_owned());
        let key = Arc::new(self.jobs.store.job_key(job).await?.ok_or_else(gone)?);
        brought(&self.jobs, job, UPLOAD).await?;
        let spool = self.jobs.spool.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let file = spool.open_file(job, UPLOAD, key).map_err(|error| error.to_string())?;
            ZipArchive::new(file).map_err(|error| error.to_string())
        });
        let opened = opened.await.map_err(|error| WorkError::Failed(error.to_string()))?.map_err(WorkError::Failed)?;
        let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        archives.truncate(KEPT_OPEN - 1);
        archives.push_front((job, opened.clone()));
        Ok(opened)
    }
}
