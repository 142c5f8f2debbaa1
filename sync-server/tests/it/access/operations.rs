//! What each operation is called with. One that is in the description and not here fails the test.

use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::Spot;
use crate::api::reader::picture;

/// What an operation is about, as far as reach is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Nothing that has a place.
    Nothing,
    /// A whole site.
    Site,
    /// A site to look at: seen by who reaches any of its doors.
    SomeOfSite,
    /// A door, or what is seen by who reaches it: devices, events, persons and groups it may know.
    Door,
    /// Something of the whole installation: not there for who reaches less.
    Everything,
    /// Accounts, sessions and keys, whose reach has tests of its own: here only who may not is refused.
    Elsewhere,
    /// A person or group of a site: seen by who reaches the door, changed by who reaches the site.
    Own,
}

/// What is sent.
pub enum Body {
    None,
    Json(Value),
    Photo(Vec<u8>),
}

/// How an operation is called.
pub struct Call {
    /// What it is about.
    pub about: About,
    /// What stands for `{id}`.
    pub id: Uuid,
    /// What is sent.
    pub body: Body,
    /// What it answers when it is allowed, beside 200 to 299: what was sent may not do for other reasons.
    pub also: &'static [u16],
    /// Whether it uses up what it is about.
    pub spends: bool,
}

impl Call {
    fn new(about: About, id: Uuid) -> Self {
        Self { about, id, body: Body::None, also: &[], spends: false }
    }

    fn json(self, body: Value) -> Self {
        Self { body: Body::Json(body), ..self }
    }

    fn photo(self) -> Self {
        Self { body: Body::Photo(picture([200, 10, 10])), ..self }
    }

    fn also(self, also: &'static [u16]) -> Self {
        Self { also, ..self }
    }

    fn spends(self) -> Self {
        Self { spends: true, ..self }
    }
}

/// What operations on accounts begin with.
const ACCOUNTS: [&str; 9] = [
    "auth_",
    "me_",
    "users_",
    "invitations_",
    "service_accounts_",
    "live_tickets_",
    "qr_",
    "roles_list",
    "registrations_",
];

/// How an operation is called about things of a spot, if it is known; `name` is nobody's yet.
pub fn call(operation: &str, at: &Spot, erasure: Uuid, name: &str) -> Option<Call> {
    let nothing = || Call::new(About::Nothing, Uuid::nil());
    let door = |id| Call::new(About::Door, id);
    let own = |id| Call::new(About::Own, id);
    Some(match operation {
        "healthz" | "readyz" | "metrics" | "jwks" | "ca" | "auth_me" | "me_read" | "roles_list" => nothing(),
        // Failures of one account from one address are slowed.
        "auth_login" => nothing().json(json!({"login": "nobody", "password": "wrong"})).also(&[401, 429]),
        "device_claim" => {
            let body =
                json!({"code": "AAAA-AAAA-AAAA", "public_key_pem": "", "csr_pem": "", "hardware": "", "version": ""});
            nothing().json(body).also(&[401, 422])
        }
        "device_nonce" => nothing().json(json!({"device": at.device})),
        "device_token" => nothing().json(json!({"assertion": "none"})).also(&[401]),
        "sites_list" | "doors_list" | "devices_list" | "groups_list" | "persons_list" | "events_list" => nothing(),
        "audit_list" | "audit_export" | "erasures_list" | "gallery_read" | "settings_recognition" => nothing(),
        "settings_general" | "settings_person_fields" | "settings_consent_text" => nothing(),
        "settings_consent_text_set" => {
            nothing().json(json!({"texts": {"en": name}, "erase_after_days": 7})).also(&[428])
        }
        // Whole documents want to know what they change.
        "settings_general_set" => nothing().json(json!({"name": name, "time_zone": "UTC"})).also(&[428]),
        "settings_person_fields_set" => nothing().json(json!({"fields": []})).also(&[428]),
        "events_counts" => nothing().also(&[400]),
        "media_event_crop" => nothing().also(&[400]),
        "recognize" => nothing().photo(),
        "sites_read" => Call::new(About::SomeOfSite, at.site.0),
        "sites_update" => Call::new(About::Site, at.site.0).json(json!({"name": name})),
        "sites_delete" => Call::new(About::Site, at.site.0).also(&[409]),
        "sites_create" => nothing().json(json!({"name": name})),
        "settings_recognition_set" | "recognition_preview" => nothing().json(json!({})),
        "erasures_read" | "erasures_receipt" => Call::new(About::Nothing, erasure),
        "accuracy_read" | "accuracy_curve" | "accuracy_to_judge" => nothing(),
        "events_judge" => door(at.event.0).json(json!({"verdict": "right"})),
        "events_verdict" | "events_verdict_withdraw" => door(at.event.0),
        "persons_history" => door(at.person.0),
        "persons_merge" => own(at.person.0).json(json!({"with": at.person})).also(&[422]),
        "persons_split" => {
            let body = json!({"templates": [Uuid::nil()], "name": name, "consent": true});
            own(at.person.0).json(body).also(&[422])
        }
        // Nobody made any.
        "person_changes_undo" => Call::new(About::Nothing, Uuid::now_v7()).also(&[404]),
        "settings_unknowns" | "unknowns_list" => nothing(),
        "settings_face_crops" | "model_packs_list" => nothing(),
        // No pack is called so.
        "model_packs_read" | "model_packs_delete" | "model_packs_shadow" => nothing().also(&[404]),
        "model_packs_refusals" | "model_packs_missing" | "model_packs_rollout" => nothing().also(&[404]),
        "model_packs_rollout_set" => nothing().json(json!({"everywhere": true})).also(&[404]),
        "model_packs_install" => nothing().also(&[422]),
        "device_model_pack" => nothing().also(&[401]),
        "settings_face_crops_set" => nothing().json(json!({"keep": true})).also(&[428]),
        "settings_unknowns_set" => nothing().json(json!({"keep_days": 7})).also(&[428]),
        "search_faces" => nothing().photo(),
        "unknowns_read" | "unknowns_dismiss" | "unknowns_reopen" => door(at.unknown.0),
        "unknowns_merge" => door(at.unknown.0).json(json!({"with": [at.unknown]})),
        "unknowns_split" => door(at.unknown.0).json(json!({"visits": [Uuid::nil()]})).also(&[422]),
        "unknowns_promote" => {
            let body = json!({"name": name, "consent": true, "groups": [at.group]});
            own(at.unknown.0).json(body).spends()
        }
        "events_live" => nothing().also(&[400]),
        "events_stream" => nothing(),
        "doors_create" => Call::new(About::Site, Uuid::nil()).json(json!({"site": at.site, "name": name})),
        "doors_read" => door(at.door.0),
        "doors_update" => door(at.door.0).json(json!({"name": name})),
        "doors_delete" => door(at.door.0).also(&[409]),
        "doors_recognition" | "doors_gallery_rule" | "doors_recognition_reset" => door(at.door.0),
        "doors_recognition_set" => door(at.door.0).json(json!({})),
        "doors_gallery_rule_set" => door(at.door.0).json(json!({"know": "groups", "groups": [at.group]})),
        "devices_create" => Call::new(About::Door, Uuid::nil()).json(json!({"door": at.door, "name": name})),
        "devices_read" | "devices_gallery" | "devices_claim_code" => door(at.device.0),
        "devices_update" | "devices_configure" => door(at.device.0).json(json!({})),
        "devices_command" => door(at.device.0).json(json!({"kind": "identify"})).also(&[409]),
        // The scene gave every device a command that has the device's id; the walk fills in one id for both.
        "devices_commands" | "devices_command_read" | "devices_command_attachment_link" => door(at.device.0),
        "media_device_command_attachment" => nothing().also(&[400]),
        "devices_move" => door(at.device.0).json(json!({"door": at.door})),
        "devices_revoke" | "devices_replace" => door(at.device.0).spends(),
        "events_read" | "events_crop" | "events_crop_link" => door(at.event.0),
        "groups_create" => Call::new(About::Site, Uuid::nil()).json(json!({"site": at.site, "name": name})),
        "groups_read" | "groups_members" => door(at.group.0),
        "groups_set" => own(at.group.0).json(json!({"site": at.site, "name": name})),
        "groups_members_change" => own(at.group.0).json(json!({"add": [at.person]})),
        "groups_delete" => own(at.group.0).spends(),
        "persons_create" => {
            let body = json!({"name": name, "consent": true, "groups": [at.group]});
            own(Uuid::nil()).json(body)
        }
        "persons_read" | "persons_doors" | "persons_lookalikes" | "persons_on_expiry" | "persons_sync"
        | "persons_templates" | "persons_consents" => door(at.person.0),
        "persons_update" => own(at.person.0).json(json!({})),
        "persons_set_on_expiry" => own(at.person.0).json(json!({"erase": false})),
        "persons_export" => Call::new(About::Nothing, at.person.0),
        "settings_retention" | "retention_report" | "retention_sweep" => nothing(),
        "settings_retention_set" => nothing().json(json!({})).also(&[428]),
        "persons_consent" => own(at.person.0).json(json!({"method": "verbal"})),
        // The walk fills in the person's id for the consent's too.
        "persons_consent_withdraw" => own(at.person.0).json(json!({})).also(&[404]),
        // No clip is sent, so there is none.
        "persons_clips" => own(at.person.0).also(&[422, 503]),
        "persons_captures_create" => own(at.person.0).json(json!({})).also(&[503]),
        "devices_enroll" => own(at.device.0).json(json!({"person": at.person})).also(&[409]),
        "devices_enrollments" => door(at.device.0),
        enrollments if enrollments.starts_with("enrollments_") => Call::new(About::Elsewhere, Uuid::now_v7()),
        // A capture is its account's alone; that has a test of its own.
        captures if captures.starts_with("captures_") => Call::new(About::Elsewhere, Uuid::now_v7()).json(json!({})),
        // The scene's people have made-up faces.
        "persons_photos" => own(at.person.0).photo().also(&[422]),
        // Not a form.
        "persons_photos_batch" => own(at.person.0).photo().also(&[400]),
        "persons_delete" => own(at.person.0).spends(),
        "templates_delete" => own(at.template.0).spends(),
        "notifications_list" | "notifications_mark_all_read" | "deliveries_list" => nothing(),
        "notifications_read" | "notifications_mark_read" | "notifications_events" => nothing().also(&[404]),
        "unsubscribe" | "unsubscribe_page" | "notifications_live" => nothing().also(&[400]),
        "settings_notifications" | "notification_rules_list" | "webhooks_list" => nothing(),
        "settings_notifications_set" => nothing().json(json!({})).also(&[428]),
        "notification_rules_create" => Call::new(About::Site, Uuid::nil()).json(told(json!({"site": at.site}))),
        "notification_rules_read" => door(at.rule.0),
        "notification_rules_set" => door(at.rule.0).json(told(json!({"door": at.door}))),
        "notification_rules_delete" => door(at.rule.0).spends(),
        "notification_rules_test" => door(at.rule.0),
        // Nothing was sent.
        "deliveries_retry" => Call::new(About::Nothing, Uuid::now_v7()).also(&[404]),
        "webhooks_create" => {
            let body = json!({"name": name, "url": "https://hooks.invalid/x", "site": at.site});
            Call::new(About::Site, Uuid::nil()).json(body)
        }
        "webhooks_read" | "webhooks_secret" | "webhooks_test" => door(at.webhook.0),
        "webhooks_set" => door(at.webhook.0).json(json!({"name": name, "door": at.door})),
        "webhooks_delete" => door(at.webhook.0).spends(),
        "settings_conversations" | "settings_analytics" | "threads_list" => nothing(),
        "settings_conversations_set" | "settings_analytics_set" => nothing().json(json!({})).also(&[428]),
        "analytics_visits"
        | "analytics_decisions"
        | "analytics_enrollment"
        | "analytics_api_use"
        | "analytics_storage" => nothing(),
        "analytics_presence" => nothing().also(&[409]),
        "threads_search" => nothing().also(&[400]),
        "threads_open" => Call::new(About::Door, Uuid::nil()).json(json!({"door": at.door})),
        "threads_read" | "threads_messages" | "threads_people" => door(at.thread.0),
        "threads_update" => door(at.thread.0).json(json!({})),
        "threads_say" => door(at.thread.0).json(json!({"text": "x"})),
        "threads_mark_read" => door(at.thread.0).json(json!({"message": at.message.0})),
        "messages_history" => door(at.message.0),
        // What others wrote is theirs.
        "messages_update" => door(at.message.0).json(json!({"text": "x"})).also(&[403]),
        "messages_delete" => door(at.message.0).also(&[403]),
        "health_read" | "errors_list" | "jobs_list" => nothing(),
        "jobs_read" | "jobs_items" | "jobs_live" => Call::new(About::Everything, at.job.0),
        // It is over.
        "jobs_cancel" | "jobs_pause" | "jobs_resume" => Call::new(About::Everything, at.job.0).also(&[409]),
        "exports_persons" => nothing(),
        // An empty body is no table.
        "imports_create" => nothing().also(&[422]),
        "jobs_retry" => Call::new(About::Everything, at.job.0).json(json!({})),
        "errors_resolve" => nothing().also(&[404]),
        accounts if ACCOUNTS.iter().any(|prefix| accounts.starts_with(prefix)) => {
            Call::new(About::Elsewhere, Uuid::now_v7()).json(json!({}))
        }
        _ => return None,
    })
}

/// A rule of notifications.
fn told(place: Value) -> Value {
    let mut rule = json!({"name": "x", "what": ["spoof_suspected"], "whom": {"roles": ["owner"]}});
    rule.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
    rule
}

/// The same spot with ids that were never given, to compare with.
pub fn nowhere() -> Spot {
    use ostiary_common::ids::{DeviceId, DoorId, EventId, GroupId, PersonId, SiteId, TemplateId, UnknownId};
    use ostiary_server::domain::notify::{MessageId, RuleId, ThreadId, WebhookId};
    Spot {
        site: SiteId::generate(),
        door: DoorId::generate(),
        device: DeviceId::generate(),
        group: GroupId::generate(),
        person: PersonId::generate(),
        template: TemplateId::generate(),
        event: EventId::generate(),
        rule: RuleId::generate(),
        webhook: WebhookId::generate(),
        thread: ThreadId::generate(),
        message: MessageId::generate(),
        job: ostiary_server::domain::job::JobId::generate(),
        unknown: UnknownId::generate(),
    }
}
