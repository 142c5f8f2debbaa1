//! Two sites: one with two doors, one with a door, each door with a camera, its group, its people and their visits.

use std::time::SystemTime;

use ostiary_common::ids::{
    DeviceId, DoorId, ErasureId, EventId, GroupId, MsgId, PersonId, SiteId, StreamId, TemplateId, UnknownId, UserId,
};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::access::Scope;
use ostiary_server::domain::device::{Device, Door, Site};
use ostiary_server::domain::gallery::{GalleryRule, Group};
use ostiary_server::domain::job::{JobId, JobKind, NewJob};
use ostiary_server::domain::notify::{MessageId, RuleId, ThreadId, WebhookId};
use ostiary_server::domain::recognition::Change;
use ostiary_server::domain::talk::{About, Thread, ThreadState};
use ostiary_server::domain::unknown::Joining;
use ostiary_server::ports::jobs::JobStore;
use ostiary_server::ports::notify::{RuleStore, StoredRule, Webhook};
use ostiary_server::ports::talk::{NewMessage, TalkStore};
use ostiary_server::ports::{
    CommandStore, ConsentStore, DeviceStore, ErasureStore, EventStore, PersonStore, ScopeStore, SettingsStore,
    UnknownStore,
};
use ostiary_server::store::sql::SqlStore;
use ostiary_server::{retainer, talk};
use serde_json::json;

use crate::api::reader::DIMENSION;
use crate::api::world::World;
use crate::store::consent::{consent, note};
use crate::store::sample::{NOW, batch, face, pack, person, template, visit};
use crate::store::{commands, notify};

/// What every JPEG begins with.
const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0];

/// The world with what operations are about.
pub struct Scene {
    pub world: World,
    /// What is operated on: a door of the first site.
    pub here: Spot,
    /// Another door of the same site.
    pub beside: DoorId,
    /// The door of the other site.
    pub there: Spot,
    /// An erasure, which has no place.
    pub erasure: ErasureId,
}

/// A door, and one of everything that is there.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub site: SiteId,
    pub door: DoorId,
    pub device: DeviceId,
    /// Belongs to the site, and the door names it.
    pub group: GroupId,
    /// Is in the group.
    pub person: PersonId,
    pub template: TemplateId,
    /// A visit of the person, with a picture.
    pub event: EventId,
    /// A rule of notifications about the door.
    pub rule: RuleId,
    /// A webhook that is told of the door.
    pub webhook: WebhookId,
    /// A conversation about the door.
    pub thread: ThreadId,
    /// What was said in it.
    pub message: MessageId,
    /// Asked for by the server itself, and over.
    pub job: JobId,
    /// Somebody nobody knows, seen there; nobody yet unless asked for.
    pub unknown: UnknownId,
}

impl Scene {
    pub async fn build(world: World) -> Self {
        keep_everything(&world.store).await;
        let store = &*world.store;
        let mut sites = Vec::new();
        for name in ["here", "there"] {
            let site = Site { id: SiteId::generate(), name: name.into(), created_at: NOW };
            store.add_site(&site).await.unwrap();
            sites.push(site.id);
        }
        let here = spot(&world, sites[0], "here").await;
        let there = spot(&world, sites[1], "there").await;
        let beside = door(&world, sites[0], "beside").await;
        rule(&world, beside.id, &[]).await;
        let gone = person("gone");
        store.add_person(&gone).await.unwrap();
        store.remove_person(gone.id, NOW).await.unwrap();
        let erasure = store.erasure_of(gone.id).await.unwrap().unwrap().id;
        Self { here, beside: beside.id, there, erasure, world }
    }

    /// The same with an unknown visitor at the first door.
    pub async fn with_unknown(mut self) -> Self {
        self.here.unknown = unknown(&self.world, self.here.device).await;
        self
    }

    /// The same place with a new device, group, person, template, visitor: for what uses them up.
    pub async fn fresh(&self, name: &str) -> Spot {
        let Spot { site, door, event, job, .. } = self.here;
        let at = Door { id: door, site, name: String::new(), created_at: NOW };
        let device = Device::pending(DeviceId::generate(), name.into(), &at, NOW);
        self.world.store.add_device(&device).await.unwrap();
        told(&self.world, device.id).await;
        let group = group(&self.world, site, name).await;
        let (person, template) = someone(&self.world, group, name).await;
        rule(&self.world, door, &[self.here.group, group]).await;
        let (rule, webhook) = (tell(&self.world, door).await, hook(&self.world, door, name).await);
        let (thread, message) = conversation(&self.world, site, door).await;
        let unknown = unknown(&self.world, device.id).await;
        Spot {
            site,
            door,
            device: device.id,
            group,
            person,
            template,
            event,
            rule,
            webhook,
            thread,
            message,
            job,
            unknown,
        }
    }
}

/// What the scene shows happened long ago; whoever may have what is due removed does so in the walk.
async fn keep_everything(store: &SqlStore) {
    let for_good = r#"{"events_days":null,"pictures_days":null,"strangers_days":null,"errors_days":null}"#;
    let documents = [(retainer::SETTING, for_good), (talk::settings::NAME, r#"{"keep_days":3650,"sites":[]}"#)];
    for (name, json) in documents {
        store.put_setting(name, json, Change { expected: None, now: NOW }, &note()).await.unwrap();
    }
}

/// A visit of nobody known, put together as somebody.
async fn unknown(world: &World, device: DeviceId) -> UnknownId {
    let mut seen = visit(1, OutcomeKind::Unknown, None, Some(JPEG));
    seen.visit.as_mut().unwrap().embedding = Some(face([0.0, 1.0, 0.0, 0.0]));
    let id = seen.id;
    // As of now: what is old would be forgotten.
    let now = UnixMillis::from_system_time(SystemTime::now());
    seen.time.wall = now;
    let mut ingest = batch(device, StreamId::generate(), vec![seen]);
    (ingest.sent_at, ingest.received_at) = (now, now);
    world.store.ingest(&ingest).await.unwrap();
    let cursor = world.store.event(id).await.unwrap().unwrap().cursor;
    let visitor = UnknownId::generate();
    loop {
        let made_for = world.store.grouping_place().await.unwrap();
        let joins = vec![(cursor, visitor)];
        let joining = Joining { made_for, upto: cursor, joins, pack: pack(), now: NOW };
        if world.store.join_unknowns(&joining).await.unwrap() {
            return visitor;
        }
    }
}

async fn door(world: &World, site: SiteId, name: &str) -> Door {
    let door = Door { id: DoorId::generate(), site, name: name.into(), created_at: NOW };
    world.store.add_door(&door).await.unwrap();
    door
}

async fn group(world: &World, site: SiteId, name: &str) -> GroupId {
    let id = GroupId::generate();
    let group = Group { id, name: name.into(), site: Some(site), created_at: NOW, version: 1, members: 0 };
    world.store.add_group(&group).await.unwrap();
    id
}

async fn someone(world: &World, group: GroupId, name: &str) -> (PersonId, TemplateId) {
    let mut person = person(name);
    person.groups = vec![group];
    world.store.add_consenting(&person, &consent(person.id, NOW), &note()).await.unwrap();
    let mut template = template(person.id, 1);
    template.embedding = vec![0.5; DIMENSION];
    world.store.add_template(&template).await.unwrap();
    (person.id, template.id)
}

async fn rule(world: &World, door: DoorId, groups: &[GroupId]) {
    let rule = GalleryRule::Groups(groups.iter().copied().collect());
    world.store.put_door_gallery(door, &rule, Change { expected: None, now: NOW }).await.unwrap();
}

async fn job(store: &dyn JobStore) -> JobId {
    let id = JobId::generate();
    let (kind, plan) = (JobKind::Photos, Vec::new());
    let job = NewJob { id, kind, account: None, person: None, node: String::new(), plan, created_at: NOW };
    store.begin_job(&job).await.unwrap();
    store.release_job(id, std::time::Duration::from_secs(1 << 30), NOW).await.unwrap();
    id
}

async fn spot(world: &World, site: SiteId, name: &str) -> Spot {
    let at = door(world, site, name).await;
    let device = Device::pending(DeviceId::generate(), name.into(), &at, NOW);
    world.store.add_device(&device).await.unwrap();
    told(world, device.id).await;
    let group = group(world, site, name).await;
    rule(world, at.id, &[group]).await;
    let (person, template) = someone(world, group, name).await;
    let seen = visit(1, OutcomeKind::Match, Some(person), Some(JPEG));
    let event = seen.id;
    world.store.ingest(&batch(device.id, StreamId::generate(), vec![seen])).await.unwrap();
    let (rule, webhook) = (tell(world, at.id).await, hook(world, at.id, name).await);
    let (thread, message) = conversation(world, site, at.id).await;
    let job = job(&*world.store).await;
    let unknown = UnknownId::generate();
    Spot {
        site,
        door: at.id,
        device: device.id,
        group,
        person,
        template,
        event,
        rule,
        webhook,
        thread,
        message,
        job,
        unknown,
    }
}

/// Has been told to take a picture, and has sent one; the command has the device's id.
async fn told(world: &World, device: DeviceId) {
    let id = MsgId(device.0);
    world.store.add_command(&commands::asked(device, id, "snapshot", NOW), &note()).await.unwrap();
    assert!(world.store.answer_command(device, &commands::answer(id, Some(("image/jpeg", JPEG))), NOW).await.unwrap());
}

async fn conversation(world: &World, site: SiteId, door: DoorId) -> (ThreadId, MessageId) {
    let thread = Thread {
        id: ThreadId::generate(),
        about: About::Door(door),
        person: None,
        place: Some((site, door)),
        state: ThreadState::Open,
        assignee: None,
        held: false,
        messages: 0,
        created_at: NOW,
        last_at: NOW,
        version: 1,
        unread: 0,
    };
    let thread = world.store.open_thread(&thread).await.unwrap().0.id;
    let (id, author) = (MessageId::generate(), UserId::generate());
    let (text, mentions, events) = ("x".to_owned(), Vec::new(), Vec::new());
    assert!(world.store.say(&NewMessage { id, thread, author, at: NOW, text, mentions, events }).await.unwrap());
    (thread, id)
}

async fn tell(world: &World, door: DoorId) -> RuleId {
    let id = RuleId::generate();
    let form = json!({"name": "x", "what": ["spoof_suspected"], "door": door, "whom": {"roles": ["owner"]}});
    let (form, place) = (form.to_string(), Scope::Door(door));
    let rule = StoredRule { id, form, place, version: 1, created_at: NOW, changed_at: NOW };
    world.store.add_rule(&rule, &notify::note()).await.unwrap();
    id
}

async fn hook(world: &World, door: DoorId, name: &str) -> WebhookId {
    let id = WebhookId::generate();
    let webhook = Webhook {
        id,
        name: name.into(),
        url: "https://hooks.invalid/x".into(),
        secret: vec![7; 32],
        place: Scope::Door(door),
        enabled: true,
        version: 1,
        created_at: NOW,
        changed_at: NOW,
    };
    world.store.add_webhook(&webhook, &notify::note()).await.unwrap();
    id
}
