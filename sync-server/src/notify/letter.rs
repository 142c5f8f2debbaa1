//! What is sent of a notice: a message to a person, or JSON to a program. Names and pictures stand in a message only if
//! the installation says so, and in JSON never.

use serde_json::{Value, json};

use super::settings::{self, Here, NotificationSettings};
use super::words::{self, Facts};
use super::{NotifyStore, unsubscribe};
use crate::accounts::links::Links;
use crate::domain::access::Permission;
use crate::domain::account::{Account, Email};
use crate::domain::notify::{Notice, Place};
use crate::ports::StoreError;
use crate::ports::mailer::{Bulk, Message};
use crate::ports::notify::{Delivery, Reason};
use crate::sealing::DerivedKey;

/// What messages are written with.
pub struct Desk<'a> {
    /// Where names and pictures are.
    pub store: &'a dyn NotifyStore,
    /// Links to this server.
    pub links: &'a Links,
    /// Signs links that end messages.
    pub key: &'a DerivedKey,
    /// What may be told.
    pub settings: &'a NotificationSettings,
}

impl Desk<'_> {
    /// A message to an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mail(
        &self,
        (delivery, notice): (&Delivery, &Notice),
        (account, to): (&Account, Email),
        is_last: bool,
    ) -> Result<Message, StoreError> {
        let Here { name, time_zone } = settings::here(self.store).await?;
        let picture = self.picture(notice, account).await?;
        let stop = self.links.to(&unsubscribe::link(self.key, account.id, notice.rule));
        let facts = Facts {
            installation: name,
            time_zone,
            place: self.place(&notice.place).await?,
            person: self.person(notice, account).await?,
            has_picture: picture.is_some(),
            page: self.links.to(&format!("/notifications/{}", notice.id)),
            unsubscribe: stop.clone(),
            is_last,
        };
        let written = words::write(notice, delivery.reason, &facts);
        let bulk = Bulk { id: delivery.id.to_string(), unsubscribe: stop };
        let html = Some(zeroize::Zeroizing::new(written.html));
        Ok(Message { html, picture, bulk: Some(bulk), ..Message::plain(to, written.subject, written.text) })
    }

    /// What a webhook is sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn json(&self, delivery: &Delivery, notice: Option<&Notice>) -> Result<Value, StoreError> {
        let Here { name, .. } = settings::here(self.store).await?;
        let kind = if delivery.reason == Reason::Test { "test" } else { "notice" };
        let mut said = json!({
            "type": kind,
            "timestamp": delivery.created_at.to_rfc3339(),
            "data": {"installation": name, "reason": delivery.reason.as_str()},
        });
        if let Some(notice) = notice {
            let place = &notice.place;
            let data = said["data"].as_object_mut().expect("made above");
            data.insert(
                "notice".into(),
                json!({
                    "id": notice.id.0,
                    "what": notice.what.as_str(),
                    "rule": notice.rule.map(|rule| json!({"id": rule.0, "name": notice.rule_name})),
                    "site": place.site, "door": place.door, "device": place.device,
                    "place": self.place(place).await?,
                    "person": notice.person,
                    "words": notice.words,
                    "count": notice.count,
                    "opened_at": notice.opened_at.to_rfc3339(),
                    "last_at": notice.last_at.to_rfc3339(),
                    "first_event": notice.first_event,
                }),
            );
        }
        Ok(said)
    }

    /// Site and door by their names.
    pub(super) async fn place(&self, place: &Place) -> Result<String, StoreError> {
        let door = match place.door {
            Some(door) => self.store.door(door).await?.map(|door| door.name),
            None => None,
        };
        let site = match place.site {
            Some(site) => self.store.site(site).await?.map(|site| site.name),
            None => None,
        };
        Ok([door, site].into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    /// Who it is about, if that may be told to this account.
    async fn person(&self, notice: &Notice, account: &Account) -> Result<Option<String>, StoreError> {
        let Some(person) = notice.person.filter(|_| self.settings.names_in_mail) else { return Ok(None) };
        if !notice.place.is_within(&account.access.reach(Permission::PersonsRead)) {
            return Ok(None);
        }
        Ok(self.store.person(person).await?.map(|person| person.name))
    }

    async fn picture(&self, notice: &Notice, account: &Account) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(event) = notice.first_event.filter(|_| self.settings.pictures_in_mail) else { return Ok(None) };
        self.store.crop_within(&account.access.reach(Permission::EventsRead), event).await
    }
}
