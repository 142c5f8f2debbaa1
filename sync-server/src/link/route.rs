//! From bytes on a topic to a message of a kind, or to what is wrong with it. Pure.

use ostiary_common::codec::CodecError;
use ostiary_common::envelope::{Body, Envelope};
use ostiary_common::ids::DeviceId;
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, CommandKind, DeviceRoot};
use ostiary_common::wire::monitor::{Health, Info, JsonError, Status, from_json};
use ostiary_common::wire::{
    CommandResult, ConfigReported, EnrollProgress, EnrollResult, EventBatch, GalleryAck, GalleryRequest,
    MAX_ENROLL_SHOTS,
};

use super::batch::{self, BatchFault, Sorted};

/// Figures in one health message.
const MAX_METRICS: usize = 256;
/// Characters of one text in `status` and `info`, and of a figure's name.
const MAX_TEXT_CHARS: usize = 200;

/// A message from a device.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Routed {
    /// Whose, as the topic says, which the broker has checked.
    pub(super) root: DeviceRoot,
    /// The device's session as it says, 0 where the message has none; once let in, the highest heard of it.
    pub(super) session: u64,
    /// When the device sent it, by its own clock; 0 where the message does not say.
    pub(super) sent_at: UnixMillis,
    /// What it says.
    pub(super) message: Message,
}

/// What devices say.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    Events(Sorted),
    GalleryRequest(GalleryRequest),
    GalleryAck(GalleryAck),
    Status(Status),
    Info(Info),
    Health(Health),
    ConfigReported(ConfigReported),
    CommandResult(CommandKind, CommandResult),
    EnrollProgress(EnrollProgress),
    EnrollResult(EnrollResult),
}

/// What is wrong with a message.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("this is not a topic devices publish")]
    Topic,
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("{0} is not what it should be")]
    Content(&'static str),
    #[error("the message says it is from device {claimed}")]
    ForeignDevice { claimed: DeviceId },
    #[error(transparent)]
    Batch(#[from] BatchFault),
}

impl Fault {
    /// The reason as a metric's label.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Codec(CodecError::TooLarge { .. }) | Self::Json(JsonError::TooLarge(_)) => "too_large",
            Self::Codec(CodecError::UnsupportedVersion { .. }) => "version",
            Self::Codec(_) | Self::Json(_) => "malformed",
            Self::Content(_) => "content",
            Self::ForeignDevice { .. } => "foreign_device",
            Self::Batch(_) => "batch",
        }
    }
}

/// Reads what came on a topic. `Ok(None)` is the removal of a retained message, which says nothing.
pub(super) fn route(topic: &str, payload: &[u8]) -> Result<Option<Routed>, Fault> {
    let (root, channel) = DeviceRoot::parse(topic).ok_or(Fault::Topic)?;
    if payload.is_empty() {
        return Ok(None);
    }
    let plain = |message| Ok(Some(Routed { root, session: 0, sent_at: UnixMillis(0), message }));
    match channel {
        Channel::Events => {
            let envelope = read::<EventBatch>(root, payload)?;
            let (session, sent_at, sorted) = (envelope.session, envelope.sent_at, batch::sort(envelope.body)?);
            Ok(Some(Routed { root, session, sent_at, message: Message::Events(sorted) }))
        }
        Channel::GalleryRequest => enveloped(root, payload, Message::GalleryRequest).map(Some),
        Channel::GalleryAck => enveloped(root, payload, Message::GalleryAck).map(Some),
        Channel::ConfigReported => enveloped(root, payload, Message::ConfigReported).map(Some),
        Channel::CommandResult(kind) => {
            enveloped(root, payload, |result| Message::CommandResult(kind, result)).map(Some)
        }
        Channel::EnrollProgress => {
            enveloped(root, payload, Message::EnrollProgress).and_then(checked_progress).map(Some)
        }
        Channel::EnrollResult => enveloped(root, payload, Message::EnrollResult).and_then(checked_result).map(Some),
        Channel::Status => plain(Message::Status(checked_status(from_json(payload)?)?)),
        Channel::Info => plain(Message::Info(checked_info(from_json(payload)?)?)),
        Channel::Health => plain(Message::Health(checked_health(from_json(payload)?)?)),
        Channel::EventsAck
        | Channel::GalleryChunk
        | Channel::GalleryNotice
        | Channel::ConfigDesired
        | Channel::Command(_)
        | Channel::EnrollStart
        | Channel::EnrollCancel
        | Channel::EnrollAck
        | Channel::Seen => Err(Fault::Topic),
    }
}

fn enveloped<B: Body>(root: DeviceRoot, payload: &[u8], wrap: impl FnOnce(B) -> Message) -> Result<Routed, Fault> {
    let envelope = read::<B>(root, payload)?;
    Ok(Routed { root, session: envelope.session, sent_at: envelope.sent_at, message: wrap(envelope.body) })
}

fn read<B: Body>(root: DeviceRoot, payload: &[u8]) -> Result<Envelope<B>, Fault> {
    let envelope = Envelope::<B>::decode(payload)?;
    if envelope.device != root.device {
        return Err(Fault::ForeignDevice { claimed: envelope.device });
    }
    Ok(envelope)
}

/// What is shown to people is short and plain, and numbers are numbers.
fn checked_progress(routed: Routed) -> Result<Routed, Fault> {
    let fine = match &routed.message {
        Message::EnrollProgress(said) => {
            let is_short = fits(&said.hint) && said.problem.as_deref().is_none_or(fits);
            let is_number = said.held.is_finite() && said.quality.is_none_or(|quality| quality.overall.is_finite());
            is_short && is_number && said.taken.len() <= MAX_ENROLL_SHOTS
        }
        _ => true,
    };
    if fine { Ok(routed) } else { Err(Fault::Content("enrollment progress")) }
}

fn checked_result(routed: Routed) -> Result<Routed, Fault> {
    let fine = match &routed.message {
        Message::EnrollResult(said) => said.is_within_limits() && fits(&said.detail),
        _ => true,
    };
    if fine { Ok(routed) } else { Err(Fault::Content("enrollment result")) }
}

fn checked_status(status: Status) -> Result<Status, Fault> {
    if fits(&status.version) { Ok(status) } else { Err(Fault::Content("version")) }
}

fn checked_info(info: Info) -> Result<Info, Fault> {
    let texts = [&info.version, &info.hardware, &info.system, &info.camera, &info.model_pack];
    if texts.into_iter().all(|text| fits(text)) { Ok(info) } else { Err(Fault::Content("info")) }
}

fn checked_health(health: Health) -> Result<Health, Fault> {
    let named = |name: &str| {
        !name.is_empty()
            && name.len() <= MAX_TEXT_CHARS
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:{}=\",.-".contains(&b))
    };
    let fine = health.metrics.len() <= MAX_METRICS && health.metrics.keys().all(|name| named(name));
    if fine { Ok(health) } else { Err(Fault::Content("health")) }
}

fn fits(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT_CHARS && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use ostiary_common::digest::GalleryDigest;
    use ostiary_common::envelope::WIRE_VERSION;
    use ostiary_common::ids::{EnrollmentId, MsgId, SiteId, StreamId};
    use ostiary_common::wire::monitor::{State, to_json};
    use ostiary_common::wire::{AckedBatch, Angle, EnrollShot, EnrollState, QualitySummary, Revision};
    use proptest::prelude::*;

    use super::*;

    fn root() -> DeviceRoot {
        DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() }
    }

    fn envelope<B: Body>(device: DeviceId, body: B) -> Envelope<B> {
        let msg_id = MsgId::generate();
        Envelope { v: WIRE_VERSION, msg_id, device, session: 3, seq: 1, sent_at: UnixMillis(17), body }
    }

    fn check(root: DeviceRoot, channel: &Channel, payload: &[u8], expected: Result<bool, &str>) {
        let found = route(&root.topic(channel), payload).map(|m| m.is_some()).map_err(|fault| fault.reason());
        assert_eq!(found, expected, "{channel:?}");
    }

    #[test]
    fn routes_good_messages() {
        let root = root();
        let batch = batch::tests::batch(StreamId::generate(), 1..=2);
        let bytes = envelope(root.device, batch.clone()).encode().unwrap();
        let name = AckedBatch::of(&batch.events).unwrap();
        let sorted = Sorted { name, batch, rejected: Vec::new() };
        let routed = route(&root.topic(&Channel::Events), &bytes).unwrap().unwrap();
        assert_eq!(routed, Routed { root, session: 3, sent_at: UnixMillis(17), message: Message::Events(sorted) });
        let ack =
            GalleryAck { rev: Revision(1), digest: GalleryDigest::default(), persons: 0, templates: 0, proof: None };
        check(root, &Channel::GalleryAck, &envelope(root.device, ack).encode().unwrap(), Ok(true));
        let status = Status { state: State::Online, session: 1, since: UnixMillis(0), version: "1".into() };
        check(root, &Channel::Status, &to_json(&status), Ok(true));
        check(root, &Channel::Health, br#"{"ostiary_frames_total":3}"#, Ok(true));
        check(root, &Channel::Info, b"", Ok(false));
    }

    #[test]
    fn refuses_bad_ones() {
        let root = root();
        let good = envelope(root.device, batch::tests::batch(StreamId::generate(), 1..=2));
        let bytes = good.encode().unwrap();
        check(root, &Channel::Events, &bytes[..bytes.len() - 1], Err("malformed"));
        check(root, &Channel::Events, &[0xff; 40], Err("malformed"));
        check(root, &Channel::Events, &vec![0; EventBatch::MAX_BYTES + 600], Err("too_large"));
        let newer = Envelope { v: 2, ..good.clone() };
        check(root, &Channel::Events, &newer.encode().unwrap(), Err("version"));
        let foreign = Envelope { device: DeviceId::generate(), ..good.clone() };
        check(root, &Channel::Events, &foreign.encode().unwrap(), Err("foreign_device"));
        let mut holed = good;
        holed.body.events[1].seq = 5;
        check(root, &Channel::Events, &holed.encode().unwrap(), Err("batch"));
        check(root, &Channel::EventsAck, b"x", Err("topic"));
        check(root, &Channel::Status, b"{}", Err("malformed"));
        check(root, &Channel::Status, &vec![b' '; 40_000], Err("too_large"));
        check(root, &Channel::Health, br#"{"a b":3}"#, Err("content"));
        let shot = |bytes: usize| EnrollShot {
            angle: Angle::Frontal,
            quality: QualitySummary::default(),
            jpeg: vec![0; bytes].into(),
        };
        let result = |shots| EnrollResult {
            id: EnrollmentId::generate(),
            state: EnrollState::Complete,
            detail: String::new(),
            ended_at: UnixMillis(0),
            shots,
            liveness: None,
        };
        for (shots, expected) in [
            (vec![shot(80 * 1024); 6], Ok(true)),
            (vec![shot(80 * 1024 + 1)], Err("content")),
            (vec![shot(1); 7], Err("content")),
        ] {
            let bytes = envelope(root.device, result(shots)).encode().unwrap();
            check(root, &Channel::EnrollResult, &bytes, expected);
        }
        check(root, &Channel::Health, br#"{"a":"three"}"#, Err("malformed"));
        let long = Info { camera: "x".repeat(500), ..Info::default() };
        check(root, &Channel::Info, &to_json(&long), Err("content"));
    }

    proptest! {
        #[test]
        fn any_bytes_on_any_topic_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..300), pick in 0..9usize) {
            let root = root();
            let _ = route(&root.published_by_device()[pick], &bytes);
        }
    }
}
