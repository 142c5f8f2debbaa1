//! What conversations are about, and who says what, in words: so that a list of them can be read by itself.

use std::collections::HashMap;

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::view::{MessageView, ThreadView};
use crate::domain::access::Reach;
use crate::domain::talk::{About, Message, Thread};
use crate::http::api::Api;
use crate::http::problem::ApiError;

/// What a conversation is about.
#[derive(Default)]
pub(super) struct Title {
    /// What it is called.
    pub(super) name: Option<String>,
    /// The kind of event.
    pub(super) kind: Option<&'static str>,
    /// When it happened.
    pub(super) at: Option<UnixMillis>,
}

/// A conversation with its title. Whoever may see the conversation may know these: an event's or a door's by the door, a
/// person's by the person.
pub(super) async fn titled(api: &Api, thread: Thread) -> Result<ThreadView, ApiError> {
    let title = match thread.about {
        About::Event(event) => match api.within.event_within(&Reach::Everything, event).await? {
            Some(event) => {
                let kind = Some(event.kind().as_str());
                Title { name: event.person_name, kind, at: Some(event.at) }
            }
            None => Title::default(),
        },
        About::Person(person) => {
            let name = api.store.person(person).await?.map(|person| person.name);
            Title { name, ..Title::default() }
        }
        About::Door(door) => {
            let name = api.store.door(door).await?.map(|door| door.name);
            Title { name, ..Title::default() }
        }
        About::Unknown(_) => Title::default(),
    };
    Ok(ThreadView::new(&thread, title))
}

/// What accounts are called, each looked up once.
#[derive(Default)]
pub(super) struct Authors(HashMap<UserId, Option<String>>);

impl Authors {
    /// A message as it is shown.
    pub(super) async fn view(&mut self, api: &Api, message: Message) -> Result<MessageView, ApiError> {
        let name = match message.author {
            Some(author) => self.name(api, author).await?,
            None => None,
        };
        Ok(MessageView::new(message, name))
    }

    /// What an account is called.
    pub(super) async fn name(&mut self, api: &Api, account: UserId) -> Result<Option<String>, ApiError> {
        if let Some(known) = self.0.get(&account) {
            return Ok(known.clone());
        }
        let name = api.accounts.book.account(account).await?.map(|account| account.name);
        self.0.insert(account, name.clone());
        Ok(name)
    }
}

/// Messages as they are shown.
pub(super) async fn messages(api: &Api, messages: Vec<Message>) -> Result<Vec<MessageView>, ApiError> {
    let mut authors = Authors::default();
    let mut views = Vec::with_capacity(messages.len());
    for message in messages {
        views.push(authors.view(api, message).await?);
    }
    Ok(views)
}

/// One message as it is shown.
pub(super) async fn message(api: &Api, message: Message) -> Result<MessageView, ApiError> {
    Authors::default().view(api, message).await
}
