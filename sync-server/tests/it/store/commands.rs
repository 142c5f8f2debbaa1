//! Commands to devices and what they answered: kept once, sealed, each for its own time.

use std::time::Duration;

use ostiary_common::ids::{DeviceId, MsgId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Attachment, CommandResult, CommandStatus};
use ostiary_server::domain::command::{CommandState, DeviceCommand, MediaType};
use ostiary_server::domain::retention::DataKind;
use ostiary_server::ports::commands::CommandStore;
use ostiary_server::ports::retention::RetentionStore;
use serde_bytes::ByteBuf;

use super::consent::note;
use super::place::{Place, on_both};
use super::sample::{NOW, device};

on_both!(told: an_answer_is_kept_once_and_for_its_device, what_came_lies_sealed_and_goes_in_time);

const PICTURE: &[u8] = b"\xFF\xD8\xFF the picture of a door";
const BUNDLE: &[u8] = b"\x1F\x8B a bundle of a board";

pub fn asked(device: DeviceId, id: MsgId, kind: &str, asked_at: UnixMillis) -> DeviceCommand {
    DeviceCommand {
        id,
        device,
        kind: kind.into(),
        asked_by: "user:somebody".into(),
        asked_at,
        not_after: asked_at.plus(Duration::from_secs(300)),
        state: CommandState::Sent,
        detail: String::new(),
        answered_at: None,
        attachment: None,
        has_attachment: false,
    }
}

pub fn answer(id: MsgId, came: Option<(&str, &[u8])>) -> CommandResult {
    let attachment =
        came.map(|(media_type, data)| Attachment { media_type: media_type.into(), data: ByteBuf::from(data.to_vec()) });
    CommandResult { id, status: CommandStatus::Done, detail: "taken".into(), attachment }
}

async fn an_answer_is_kept_once_and_for_its_device(place: Place) {
    let store = place.open().await;
    let (here, there) = (device(&store, "here").await.id, device(&store, "there").await.id);
    let (first, second) = (MsgId::generate(), MsgId::generate());
    for id in [first, second] {
        store.add_command(&asked(here, id, "snapshot", NOW), &note()).await.unwrap();
    }
    let later = NOW.plus(Duration::from_secs(2));
    let came = answer(first, Some(("image/jpeg", PICTURE)));
    assert!(!store.answer_command(there, &came, later).await.unwrap(), "another device was not told");
    assert!(!store.answer_command(here, &answer(MsgId::generate(), None), later).await.unwrap(), "nobody asked");
    assert!(store.answer_command(here, &came, later).await.unwrap());
    let again =
        CommandResult { status: CommandStatus::Refused, ..answer(first, Some(("image/jpeg", b"\xFF\xD8\xFFother"))) };
    assert!(store.answer_command(here, &again, later.plus(Duration::from_secs(9))).await.unwrap());
    let kept = store.command(here, first).await.unwrap().unwrap();
    let size = PICTURE.len() as u64;
    assert_eq!((kept.state, kept.detail.as_str(), kept.answered_at), (CommandState::Done, "taken", Some(later)));
    assert_eq!((kept.attachment, kept.has_attachment), (Some((MediaType::Jpeg, size)), true));
    assert_eq!(store.command_attachment(here, first).await.unwrap(), Some((MediaType::Jpeg, PICTURE.to_vec())));
    assert_eq!(store.command_attachment(there, first).await.unwrap(), None);
    assert_eq!(store.command(there, first).await.unwrap(), None);

    // The first answer was lost, and what it carried comes after the one that has only words.
    assert!(store.answer_command(here, &answer(second, None), later).await.unwrap());
    assert!(store.answer_command(here, &answer(second, Some(("image/jpeg", PICTURE))), later).await.unwrap());
    assert!(store.command(here, second).await.unwrap().unwrap().has_attachment);
    let list = async |before, limit| {
        let found = store.commands(here, before, limit).await.unwrap();
        found.into_iter().map(|command| command.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 9).await, [second, first], "the newest first");
    assert_eq!((list(None, 1).await, list(Some(second), 9).await), (vec![second], vec![first]));
}

async fn what_came_lies_sealed_and_goes_in_time(place: Place) {
    let store = place.open().await;
    let device = device(&store, "cam").await.id;
    let (picture, bundle, page) = (MsgId::generate(), MsgId::generate(), MsgId::generate());
    for (id, came) in [
        (picture, ("image/jpeg", PICTURE)),
        (bundle, ("application/gzip", BUNDLE)),
        (page, ("image/jpeg", b"<html>".as_slice())),
    ] {
        store.add_command(&asked(device, id, "snapshot", NOW), &note()).await.unwrap();
        assert!(store.answer_command(device, &answer(id, Some(came)), NOW).await.unwrap());
    }
    let kept = store.command(device, page).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.attachment), (CommandState::Done, None), "a page is no picture");
    let pool = place.pool().await;
    let sealed: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT sealed FROM device_command_attachments").fetch_all(&pool).await.unwrap();
    assert_eq!(sealed.len(), 2);
    assert!(!sealed.iter().any(|bytes| bytes.windows(6).any(|part| part == b"a door" || part == b"bundle")));

    let after = NOW.plus(Duration::from_secs(1));
    assert_eq!(store.remove_old(DataKind::Strangers, after, 9, after).await.unwrap(), 1, "the picture");
    let kept = store.command(device, picture).await.unwrap().unwrap();
    assert!(kept.attachment.is_some() && !kept.has_attachment, "what was done is still known");
    assert!(store.command_attachment(device, bundle).await.unwrap().is_some());
    assert_eq!(store.held(DataKind::Commands, Some(after)).await.unwrap().due, 3);
    assert_eq!(store.remove_old(DataKind::Commands, NOW, 9, after).await.unwrap(), 0);
    assert_eq!(store.remove_old(DataKind::Commands, after, 9, after).await.unwrap(), 3);
    assert_eq!(store.command_attachment(device, bundle).await.unwrap(), None);
}
