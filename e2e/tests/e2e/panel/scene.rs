//! Two sites with a door each, their devices, people and visits: what the pages show.

use anyhow::{Context, Result};
use ostiary_common::ids::{PersonId, StreamId, TemplateId};
use ostiary_common::wire::{Candidate, EventBatch, EventRecord, OutcomeKind};
use ostiary_e2e::api::{Api, text};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::device::{RawDevice, Session, visit_with_crop};
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::Stage;
use serde_json::{Value, json};

use crate::SOON;

/// The password of every account of the scene.
pub const PASSWORD: &str = "correct horse battery staple";
/// A browser's requests come fast, and from one address.
const LIMITS: &str =
    "[limits]\nrequests_per_second = 1000\naccount_requests_per_second = 1000\nlogins_per_minute = 1000\n";

/// Numbers of an embedding of the default pack.
const EMBEDDING: usize = 128;

/// A door with a device that says what it is told to.
pub struct Gate {
    pub site: String,
    pub door: String,
    pub device: RawDevice,
    session: Session,
    stream: StreamId,
    seq: u64,
}

/// Everything.
pub struct Scene {
    pub server: Server,
    pub here: Gate,
    pub there: Gate,
    /// Enrolled from a photo.
    pub known: String,
}

impl Scene {
    pub async fn build(stage: &Stage) -> Result<Self> {
        Self::build_with(stage, "").await
    }

    /// The same, with more TOML in the server's configuration.
    pub async fn build_with(stage: &Stage, extra: &str) -> Result<Self> {
        let server = Server::start_with(stage, &format!("{LIMITS}{extra}")).await?;
        let api = &server.api;
        let here = Gate::build(&server, "Head office", "Entrance").await?;
        let there = Gate::build(&server, "Warehouse", "Depot").await?;
        let group = text(&api.post("/api/v1/groups", &json!({"name": "Staff"})).await?.ok()?, "id")?;
        let known = person(api, "Person A", &group).await?;
        api.enroll(&known, portrait(Sitter::Obama2012)?).await?;
        person(api, "Person B", &group).await?;
        let mut scene = Self { server, here, there, known };
        scene.visits().await?;
        Ok(scene)
    }

    /// Some of each kind, with the pictures of the repository.
    async fn visits(&mut self) -> Result<()> {
        let (known, crop) = (self.known.clone(), crop_of(Sitter::Obama2009)?);
        self.here.says(|seq| known_visit(seq, &known, crop.clone())).await?;
        let stranger = crop_of(Sitter::Astronaut)?;
        self.here.says(|seq| unknown_visit(seq, &known, stranger.clone())).await?;
        self.here.says(unusable_visit).await?;
        let other = crop_of(Sitter::Biden2010)?;
        self.there.says(|seq| unknown_visit(seq, &known, other.clone())).await
    }
}

impl Gate {
    async fn build(server: &Server, site: &str, door: &str) -> Result<Self> {
        let invited = server.add_device(site, door, &format!("{door} camera"))?;
        let device = RawDevice::claim_by_code(&server.api, server.endpoints.mqtts.clone(), invited.code).await?;
        let session = connect(&device).await?;
        let view = server.api.get(&format!("/api/v1/devices/{}", device.identity.device)).await?;
        let (site, door) = (text(&view, "site")?, text(&view, "door")?);
        Ok(Self { site, door, device, session, stream: StreamId::generate(), seq: 0 })
    }

    /// Sends one event and waits until it is stored.
    pub async fn says(&mut self, make: impl FnOnce(u64) -> EventRecord) -> Result<()> {
        self.seq += 1;
        let events = vec![make(self.seq)];
        let batch = EventBatch { stream: self.stream, events };
        self.session.send_events(self.device.root(), &batch).await?;
        self.session.acked(self.seq, SOON).await.map(drop)
    }

    /// After the server was away.
    pub async fn comes_back(&mut self) -> Result<()> {
        self.session = connect(&self.device).await?;
        Ok(())
    }
}

async fn connect(device: &RawDevice) -> Result<Session> {
    let mut session = device.connect().await?;
    session.subscribe(&device.topic(&ostiary_common::topics::Channel::EventsAck)).await?;
    Ok(session)
}

async fn person(api: &Api, name: &str, group: &str) -> Result<String> {
    let body = json!({"name": name, "consent": true, "groups": [group]});
    text(&api.post("/api/v1/persons", &body).await?.ok()?, "id")
}

/// An account made by invitation, as people make theirs.
pub async fn account(api: &Api, login: &str, grants: Value) -> Result<()> {
    let link = invitation(api, grants).await?;
    let token = link.split_once('#').context("a secret in the link")?.1;
    let body = json!({"token": token, "account": {"login": login, "password": PASSWORD}});
    api.post("/api/v1/auth/accept-invitation", &body).await?.ok().map(drop)
}

/// The link of an invitation.
pub async fn invitation(api: &Api, grants: Value) -> Result<String> {
    text(&api.post("/api/v1/invitations", &json!({"grants": grants})).await?.ok()?, "link")
}

fn known_visit(seq: u64, person: &str, crop: Vec<u8>) -> EventRecord {
    let mut event = with_crop(seq, crop);
    if let Some(visit) = &mut event.visit {
        visit.outcome = OutcomeKind::Match;
        visit.matched = Some(candidate(person, 0.967));
    }
    event
}

/// Somebody who is not known, of whom the person is the nearest.
pub fn unknown_visit(seq: u64, nearest: &str, crop: Vec<u8>) -> EventRecord {
    let mut event = with_crop(seq, crop);
    if let Some(visit) = &mut event.visit {
        visit.nearest = Some(candidate(nearest, 0.612));
        visit.embedding = Some(nobodys_face().into());
    }
    event
}

/// A face that is like nobody's: the first of all directions.
fn nobodys_face() -> Vec<u8> {
    let first = std::iter::once(1.0_f32);
    first.chain(std::iter::repeat_n(0.0, EMBEDDING - 1)).flat_map(f32::to_le_bytes).collect()
}

fn unusable_visit(seq: u64) -> EventRecord {
    let mut event = visit_with_crop(seq, 0);
    if let Some(visit) = &mut event.visit {
        visit.outcome = OutcomeKind::Unusable;
        visit.reason = Some(ostiary_common::wire::UnusableReason::TooSmall);
    }
    event
}

fn with_crop(seq: u64, crop: Vec<u8>) -> EventRecord {
    let mut event = visit_with_crop(seq, 0);
    if let Some(visit) = &mut event.visit {
        visit.crop_jpeg = Some(crop.into());
    }
    event
}

fn candidate(person: &str, similarity: f32) -> Candidate {
    let person = person.parse().map(PersonId).expect("the server gave an id");
    Candidate { person, template: TemplateId::generate(), similarity }
}

/// The face of a portrait, as a device would send it.
pub fn crop_of(sitter: Sitter) -> Result<Vec<u8>> {
    let picture = image::open(sitter.path()).context("opening a portrait")?.to_rgb8();
    let ([x, y], half) = (sitter.center(), 0.9 * sitter.face_px());
    let from = |middle: f32| (middle - half).max(0.0) as u32;
    let side = (2.0 * half) as u32;
    let (left, top) = (from(x), from(y));
    let (width, height) = (side.min(picture.width() - left), side.min(picture.height() - top));
    let face = image::imageops::crop_imm(&picture, left, top, width, height).to_image();
    let small = image::imageops::thumbnail(&face, 160, 160);
    let mut jpeg = std::io::Cursor::new(Vec::new());
    small.write_to(&mut jpeg, image::ImageFormat::Jpeg)?;
    Ok(jpeg.into_inner())
}
