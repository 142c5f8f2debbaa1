//! What stands in the archive, part by part, so that no more than one page of it is in memory.

use std::io;

use axum::body::Bytes;
use ostiary_common::ids::PersonId;
use serde_json::{Value, json};

use super::archive::Archive;
use crate::domain::access::Reach;
use crate::domain::audit::{AuditFilter, AuditPosition};
use crate::domain::consent::may_enroll;
use crate::domain::event::{EventFilter, EventPosition, StoredEvent, TimePage};
use crate::domain::person::Person;
use crate::http::api::Api;
use crate::http::v1::audit::line::AuditLine;
use crate::http::v1::consents::view::ConsentView;
use crate::http::v1::events::item::EventItem;
use crate::http::v1::persons::detail::detail;
use crate::http::v1::persons::templates::TemplateView;
use crate::ports::StoreError;

/// Rows read at once.
const PAGE: u32 = 200;
/// The largest archive: beyond it pictures are left out, and the archive says so.
const MOST_BYTES: u64 = 2 * 1024 * 1024 * 1024;

const README: &str = "\
Everything that is kept here about you
======================================

You asked for what is kept about you, or it was taken out for you. Keep it safe: it tells where you were and shows your face.

person.json      who you are here: name, notes, fields, groups, from when until when you are known at the doors
consents.json    what you agreed to, how and when, and the words of it; whether you withdrew it, and when you are erased
templates.json   how many descriptions of your face there are, and when and how they were made. The descriptions
                 themselves are numbers that only the program can use; they do not leave it.
events.ndjson    when you were recognised, where, and how sure the program was; a line each, the newest first
faces/           the pictures of your face that were kept when you were enrolled, if such pictures are kept
pictures/        the pictures taken then, named by the event's id, as far as they are still kept
audit.ndjson     what was done with your data and when; who did it is told by an id

Events at which you were not recognised are not among them, since nobody knows that they are yours. Everything is removed
when its time is over, and all of it when you withdraw your consent or ask to be erased.
";

/// What comes next.
enum Stage {
    Facts,
    Events(Option<EventPosition>),
    Pictures(Option<EventPosition>),
    Audit(Option<AuditPosition>),
    Finish,
    Done,
}

/// An archive in the making.
pub struct Export {
    api: Api,
    person: Person,
    archive: Archive,
    stage: Stage,
    sent_bytes: u64,
    /// Pictures left out because the archive would have become too large.
    left_out: u64,
}

/// Why it could not be made to its end; the answer breaks off then.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive could not be written.
    #[error(transparent)]
    Archive(#[from] io::Error),
    /// What is held cannot be told.
    #[error("{0}")]
    Facts(String),
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value has a JSON form")
}

impl Export {
    /// Of a person.
    pub fn new(api: Api, person: Person) -> Self {
        Self { api, person, archive: Archive::new(), stage: Stage::Facts, sent_bytes: 0, left_out: 0 }
    }

    /// The next bytes.
    ///
    /// # Errors
    /// [`ExportError`].
    pub async fn next(mut self) -> Result<Option<(Bytes, Self)>, ExportError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        self.stage = match stage {
            Stage::Facts => self.facts().await?,
            Stage::Events(after) => self.events(after).await?,
            Stage::Pictures(after) => self.pictures(after).await?,
            Stage::Audit(before) => self.audit(before).await?,
            Stage::Finish => {
                let archive = std::mem::replace(&mut self.archive, Archive::new());
                return Ok(Some((archive.finish()?, self)));
            }
            Stage::Done => return Ok(None),
        };
        let bytes = self.archive.take();
        self.sent_bytes += bytes.len() as u64;
        Ok(Some((bytes, self)))
    }

    async fn facts(&mut self) -> Result<Stage, ExportError> {
        let id = self.person.id;
        self.archive.text("README.txt", README)?;
        let person = person(&self.api, self.person.clone()).await?;
        self.archive.text("person.json", &pretty(&person))?;
        let consents = consents(&self.api, id).await?;
        self.archive.text("consents.json", &pretty(&consents))?;
        let templates: Vec<TemplateView> =
            self.api.store.templates(id).await?.into_iter().map(TemplateView::from).collect();
        self.archive.text("templates.json", &pretty(&json!({ "items": templates })))?;
        self.faces().await?;
        self.archive.begin("events.ndjson")?;
        Ok(Stage::Events(None))
    }

    /// The pictures kept for model packs to come: a few for each side of the face.
    async fn faces(&mut self) -> Result<(), ExportError> {
        for (number, (place, _)) in self.api.face_crops.face_crops_of(self.person.id).await?.into_iter().enumerate() {
            if let Some(crop) = self.api.face_crops.face_crop(place).await? {
                self.archive.picture(&format!("faces/{}.jpg", number + 1), crop.as_jpeg())?;
            }
        }
        Ok(())
    }

    /// A page of events that name the person, the newest first.
    async fn page(&self, before: Option<EventPosition>) -> Result<Vec<StoredEvent>, StoreError> {
        let filter = EventFilter { person: Some(self.person.id), ..EventFilter::default() };
        let everywhere = Reach::Everything;
        self.api.store.events_by_time(&everywhere, &filter, TimePage::Older(before), PAGE).await
    }

    async fn events(&mut self, before: Option<EventPosition>) -> Result<Stage, ExportError> {
        let page = self.page(before).await?;
        let next = after(&page);
        for event in page {
            let line = serde_json::to_string(&EventItem::from(event)).expect("an event has a JSON form");
            self.archive.add(line.as_bytes())?;
            self.archive.add(b"\n")?;
        }
        Ok(next.map_or(Stage::Pictures(None), |next| Stage::Events(Some(next))))
    }

    async fn pictures(&mut self, before: Option<EventPosition>) -> Result<Stage, ExportError> {
        let page = self.page(before).await?;
        let next = after(&page);
        for event in page.into_iter().filter(|event| event.has_crop) {
            let id = event.record.id;
            let Some(jpeg) = self.api.store.crop(id).await? else { continue };
            if self.sent_bytes + jpeg.len() as u64 > MOST_BYTES {
                self.left_out += 1;
                continue;
            }
            self.sent_bytes += jpeg.len() as u64;
            self.archive.picture(&format!("pictures/{id}.jpg"), &jpeg)?;
        }
        if let Some(next) = next {
            return Ok(Stage::Pictures(Some(next)));
        }
        if self.left_out > 0 {
            let text =
                format!("{} pictures are left out, since the archive would have become too large.\n", self.left_out);
            self.archive.text("INCOMPLETE.txt", &text)?;
        }
        self.archive.begin("audit.ndjson")?;
        Ok(Stage::Audit(None))
    }

    async fn audit(&mut self, before: Option<AuditPosition>) -> Result<Stage, ExportError> {
        let filter = AuditFilter { target: Some(format!("person:{}", self.person.id)), ..AuditFilter::default() };
        let page = self.api.store.audit_lines(&filter, before, PAGE).await?;
        let last = page.last().map(|line| AuditPosition { at: line.entry.at, seq: line.point.seq });
        let next = last.filter(|_| page.len() >= PAGE as usize);
        for line in page {
            let line = serde_json::to_string(&AuditLine::from(line)).expect("a line has a JSON form");
            self.archive.add(line.as_bytes())?;
            self.archive.add(b"\n")?;
        }
        Ok(next.map_or(Stage::Finish, |next| Stage::Audit(Some(next))))
    }
}

/// Where to go on; `None` after the last page.
fn after(page: &[StoredEvent]) -> Option<EventPosition> {
    let last = page.last().filter(|_| page.len() >= PAGE as usize)?;
    Some(EventPosition { at: last.at, cursor: last.cursor })
}

async fn person(api: &Api, person: Person) -> Result<Value, ExportError> {
    let groups = api.store.groups().await?;
    let names: Vec<String> =
        groups.into_iter().filter(|group| person.groups.contains(&group.id)).map(|group| group.name).collect();
    let id = person.id;
    let gone = || ExportError::Facts("the person was removed meanwhile".to_owned());
    let (profile, _) = api.store.profile(id).await?.ok_or_else(gone)?;
    let view = detail(api, person, profile).await.map_err(|e| ExportError::Facts(e.to_string()))?;
    let mut told = serde_json::to_value(&view).expect("a person has a JSON form");
    told["group_names"] = json!(names);
    told["erased_when_validity_ends"] = json!(api.store.erase_on_expiry(id).await?);
    Ok(told)
}

async fn consents(api: &Api, id: PersonId) -> Result<Value, ExportError> {
    let consents = api.store.consents(id).await?;
    let least = api.store.consent_text().await?.least_version;
    let mut texts = serde_json::Map::new();
    for version in consents.iter().filter_map(|consent| consent.text_version) {
        if let Some(text) = api.store.consent_text_of(version).await? {
            texts.insert(version.to_string(), json!(text.texts));
        }
    }
    let may_enroll = may_enroll(&consents, least).is_ok();
    let items: Vec<ConsentView> = consents.into_iter().map(ConsentView::from).collect();
    let erased_at = api.store.erased_at(id).await?.map(|at| at.to_rfc3339());
    Ok(json!({ "items": items, "texts": texts, "may_enroll": may_enroll, "erased_at": erased_at }))
}
