//! Messages to somebody's browsers: one message, as many sealed copies as there are browsers. A browser that is gone is
//! forgotten; if others take the message, it is sent.

use ostiary_common::ids::UserId;
use serde_json::json;

use super::{Courier, Outcome};
use crate::domain::account::State;
use crate::domain::notify::signal::may_know;
use crate::domain::notify::{Notice, Verdict, Way};
use crate::notify::settings::NotificationSettings;
use crate::ports::StoreError;
use crate::ports::notify::{Delivery, Reason};
use crate::ports::poster::PostError;
use crate::ports::push::PushSubscription;

impl Courier {
    pub(super) async fn to_browsers(
        &self,
        delivery: &Delivery,
        notice: Option<&Notice>,
        account: UserId,
        settings: &NotificationSettings,
    ) -> Result<Outcome, StoreError> {
        if self.push.is_none() {
            return Ok(Outcome::Held("no key for messages to browsers is set (notify.push_key_file)".into()));
        }
        let Some(account) = self.store.account(account).await?.filter(|account| account.state == State::Active) else {
            return Ok(Outcome::Held("it is gone".into()));
        };
        if let Some(notice) = notice {
            if notice.rule.is_some() && !may_know(&account.access, notice.what, &notice.place) {
                return Ok(Outcome::Held("its reader may not know of it any more".into()));
            }
            match self.judge(delivery, notice, (&account, Way::Push), settings).await? {
                Verdict::Wait(until) => return Ok(Outcome::Wait(until)),
                Verdict::Hold(why) => return Ok(Outcome::Held(why.into())),
                Verdict::Send | Verdict::SendLast => {}
            }
        } else if delivery.reason != Reason::Test {
            return Ok(Outcome::Held("it is gone".into()));
        }
        let said = self.desk(settings).push(delivery, notice).await?.to_string();
        let browsers = self.store.pushes_of(account.id).await?;
        self.bring_to(delivery, &browsers, said.as_bytes()).await
    }

    async fn bring_to(
        &self,
        delivery: &Delivery,
        browsers: &[PushSubscription],
        said: &[u8],
    ) -> Result<Outcome, StoreError> {
        let (mut taken, mut later, mut refused) = (0_u32, None, None);
        for browser in browsers {
            match self.push_to(delivery, browser, said).await {
                Ok(()) => {
                    taken += 1;
                    self.store.push_used(browser.id, self.clock.now()).await?;
                }
                Err(PostError::Gone(_) | PostError::Missing(_)) => {
                    self.store.remove_push(browser.account, browser.id).await?;
                    tracing::info!(push.id = %browser.id, "a browser takes no more messages and is forgotten");
                }
                Err(PostError::Later(why)) => later = Some(why),
                Err(PostError::Refused(why)) => refused = Some(why),
            }
        }
        Ok(match (taken, later, refused) {
            (1.., ..) => Outcome::Sent,
            (0, Some(why), _) => Outcome::Later(why),
            (0, None, Some(why)) => Outcome::Failed(why),
            (0, None, None) => Outcome::Held("its reader has no browser that takes messages".into()),
        })
    }

    async fn push_to(&self, delivery: &Delivery, browser: &PushSubscription, said: &[u8]) -> Result<(), PostError> {
        let Some(key) = &self.push else { return Err(PostError::Refused("no key is set".into())) };
        // News of the same notice takes the place of what still waits at the browser's maker.
        let topic = delivery.notice.map_or(delivery.id.0, |notice| notice.0).simple().to_string();
        let post = key.message(browser, said, &topic, self.clock.now());
        self.poster.post(post.map_err(|error| PostError::Refused(format!("{error:#}")))?).await
    }
}

impl crate::notify::letter::Desk<'_> {
    /// What a browser is told: never names of persons, since it stands on locked screens.
    async fn push(&self, delivery: &Delivery, notice: Option<&Notice>) -> Result<serde_json::Value, StoreError> {
        let installation = crate::notify::settings::here(self.store).await?.name;
        let Some(notice) = notice else {
            let title = "A test: messages arrive here";
            return Ok(json!({"id": delivery.id.0, "title": title, "body": installation, "url": "/notifications"}));
        };
        let place = self.place(&notice.place).await?;
        let times = if notice.count > 1 { format!("{} times", notice.count) } else { String::new() };
        let words = [place, times, installation].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let title = match delivery.reason {
            Reason::Escalation => format!("Nobody has read: {}", notice.what.in_words()),
            _ => notice.what.in_words().to_owned(),
        };
        let url = format!("/notifications/{}", notice.id);
        Ok(json!({"id": notice.id.0, "title": title, "body": words.join(" · "), "url": url}))
    }
}
