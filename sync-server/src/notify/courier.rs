//! Sends what waits: takes a few messages for a while, tries each, and says what became of it. Of several servers the
//! leader does; what one had taken that died is taken again by the next as soon as it leads. A server that ends between a
//! try and its word has the message tried again; the receiver knows it by its id.

mod browsers;

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use tokio_util::sync::CancellationToken;

use super::letter::Desk;
use super::push::PushKey;
use super::settings::{self, NotificationSettings};
use super::{Bells, NotifyStore, rulebook, signed};
use crate::accounts::links::Links;
use crate::domain::account::{Account, Email, State};
use crate::domain::notify::signal::may_know;
use crate::domain::notify::{Notice, Rule, Sending, Verdict, Way, WebhookId, sending};
use crate::domain::replica::Term;
use crate::health::jobs::Jobs;
use crate::ports::mailer::{MailError, Mailer};
use crate::ports::notify::{Delivery, DeliveryState, Reason, Recipient};
use crate::ports::poster::{Post, PostError, Poster};
use crate::ports::{Clock, StoreError};
use crate::replicas::Leader;
use crate::sealing::DerivedKey;

/// Messages taken at once.
const AT_ONCE: u32 = 8;
/// A message taken is nobody else's for so long; longer than tries of all of them take.
const LEASE: Duration = Duration::from_secs(240);
/// How often it looks, whatever happens: another server may have added something.
const EVERY: Duration = Duration::from_secs(5);
/// Messages of an account are counted over this.
const HOUR_MS: i64 = 3_600_000;

/// Sends what waits.
pub struct Courier {
    /// Where it waits.
    pub store: Arc<dyn NotifyStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Takes messages to people; `None` without a mail server.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Takes messages to programs, and to makers of browsers.
    pub poster: Arc<dyn Poster>,
    /// Signs messages to browsers; `None` where nobody is pushed to.
    pub push: Option<Arc<PushKey>>,
    /// Links to this server.
    pub links: Links,
    /// Signs links that end messages.
    pub key: DerivedKey,
    /// Says when there is something to be sent.
    pub bells: Bells,
    /// Told how it goes.
    pub jobs: Arc<Jobs>,
    /// Whether this server sends.
    pub leader: Leader,
}

/// What became of a try.
enum Outcome {
    Sent,
    Wait(UnixMillis),
    Held(String),
    Failed(String),
    Later(String),
}

impl Courier {
    /// Sends until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let (mut bell, mut terms) = (self.bells.outbox.subscribe(), self.leader.terms());
        while !shutdown.is_cancelled() {
            let brought = shutdown.run_until_cancelled(self.bring()).await;
            let Some(brought) = brought else { break };
            if let Err(error) = &brought {
                tracing::error!(%error, "messages could not be taken or settled: {error}");
            }
            self.jobs.ran("sending messages", EVERY, brought.map_err(|error| error.to_string()));
            tokio::select! {
                _ = bell.changed() => {}
                _ = terms.changed() => {}
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => break,
            }
        }
    }

    /// Brings everything that is due, as long as this server leads.
    ///
    /// # Errors
    /// [`StoreError`]; what was taken is taken again later.
    pub async fn bring(&self) -> Result<(), StoreError> {
        while let Some(term) = self.leader.term() {
            let now = self.clock.now();
            let due = self.store.take_due(term, now, now.plus(LEASE), AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            let (settings, _) = settings::load(&*self.store).await?;
            // Programs are asked side by side; people's messages one after another, so that bounds are kept to.
            let is_program = |delivery: &Delivery| matches!(delivery.to, Recipient::Webhook(_));
            let (programs, people): (Vec<_>, Vec<_>) = due.into_iter().partition(is_program);
            let asked = programs.into_iter().map(|delivery| self.settle(term, delivery, &settings));
            for settled in futures_util::future::join_all(asked).await {
                settled?;
            }
            for delivery in people {
                self.settle(term, delivery, &settings).await?;
            }
        }
        Ok(())
    }

    async fn settle(
        &self,
        term: Term,
        mut delivery: Delivery,
        settings: &NotificationSettings,
    ) -> Result<(), StoreError> {
        if self.leader.term() != Some(term) {
            // The next leader takes it again, and need not tell anybody twice.
            return Ok(());
        }
        let notice = match delivery.notice {
            Some(notice) => self.store.notice(notice).await?,
            None => None,
        };
        let outcome = match delivery.to {
            Recipient::Account(account) => self.to_account(&delivery, notice.as_ref(), account, settings).await?,
            Recipient::Push(account) => self.to_browsers(&delivery, notice.as_ref(), account, settings).await?,
            Recipient::Webhook(webhook) => self.to_webhook(&delivery, notice.as_ref(), webhook, settings).await?,
        };
        let now = self.clock.now();
        let (state, error) = match outcome {
            Outcome::Sent => (DeliveryState::Sent, None),
            Outcome::Held(why) => (DeliveryState::Held, Some(why)),
            Outcome::Failed(why) => (DeliveryState::Failed, Some(why)),
            Outcome::Wait(until) => {
                delivery.attempts -= 1;
                delivery.next_at = until;
                (DeliveryState::Waiting, Some("quiet hours".to_owned()))
            }
            Outcome::Later(why) => match sending::next_try(delivery.attempts, now) {
                Some(at) => {
                    delivery.next_at = at;
                    (DeliveryState::Waiting, Some(why))
                }
                None => (DeliveryState::Failed, Some(why)),
            },
        };
        count(&delivery, state);
        delivery.done_at = (state != DeliveryState::Waiting).then_some(now);
        (delivery.state, delivery.error) = (state, error);
        self.store.conclude(Some(term), &delivery).await
    }

    async fn to_account(
        &self,
        delivery: &Delivery,
        notice: Option<&Notice>,
        account: UserId,
        settings: &NotificationSettings,
    ) -> Result<Outcome, StoreError> {
        let Some(mailer) = &self.mailer else {
            return Ok(Outcome::Held("there is no mail server (mail.smtp_host)".into()));
        };
        let account = self.store.account(account).await?.filter(|account| account.state == State::Active);
        let (Some(notice), Some(account)) = (notice, account) else { return Ok(Outcome::Held("it is gone".into())) };
        let Some(to) = account.email.clone() else { return Ok(Outcome::Held("its reader has no address".into())) };
        if notice.rule.is_some() && !may_know(&account.access, notice.what, &notice.place) {
            return Ok(Outcome::Held("its reader may not know of it any more".into()));
        }
        let is_last = match self.judge(delivery, notice, (&account, Way::Email), settings).await? {
            Verdict::Wait(until) => return Ok(Outcome::Wait(until)),
            Verdict::Hold(why) => return Ok(Outcome::Held(why.into())),
            verdict => verdict == Verdict::SendLast,
        };
        self.mail(&**mailer, (delivery, notice), (&account, to), (settings, is_last)).await
    }

    async fn mail(
        &self,
        mailer: &dyn Mailer,
        told: (&Delivery, &Notice),
        account: (&Account, Email),
        (settings, is_last): (&NotificationSettings, bool),
    ) -> Result<Outcome, StoreError> {
        let message = self.desk(settings).mail(told, account, is_last).await?;
        Ok(match mailer.send(&message).await {
            Ok(()) => Outcome::Sent,
            Err(MailError::Refused(why)) => Outcome::Failed(why),
            Err(MailError::Later(why)) => Outcome::Later(why),
        })
    }

    async fn judge(
        &self,
        delivery: &Delivery,
        notice: &Notice,
        (account, way): (&Account, Way),
        settings: &NotificationSettings,
    ) -> Result<Verdict, StoreError> {
        let now = self.clock.now();
        let rule = self.rule(notice).await?;
        let wanted = rulebook::preferences(&*self.store, account.id).await?;
        let sending = Sending {
            what: notice.what,
            rule: rule.as_ref(),
            wanted: Some(&wanted),
            way,
            sent_lately: self.store.sent_since(account.id, way, UnixMillis(now.0 - HOUR_MS)).await?,
            most_an_hour: settings.mails_per_hour.into(),
            is_escalation: delivery.reason == Reason::Escalation,
        };
        Ok(sending.judge(now))
    }

    async fn to_webhook(
        &self,
        delivery: &Delivery,
        notice: Option<&Notice>,
        webhook: WebhookId,
        settings: &NotificationSettings,
    ) -> Result<Outcome, StoreError> {
        let webhook = self.store.webhook(webhook).await?.filter(|webhook| webhook.enabled);
        let Some(webhook) = webhook else { return Ok(Outcome::Held("the webhook is not in use".into())) };
        if let Some(notice) = notice
            && let Some(until) = self.quiet(notice).await?
        {
            return Ok(Outcome::Wait(until));
        }
        let body = self.desk(settings).json(delivery, notice).await?.to_string();
        let headers = signed::headers(&webhook.secret, &delivery.id.to_string(), self.clock.now(), body.as_bytes());
        Ok(match self.poster.post(Post { url: webhook.url, headers, body: body.into() }).await {
            Ok(()) => Outcome::Sent,
            Err(PostError::Refused(why) | PostError::Gone(why)) => Outcome::Failed(why),
            Err(PostError::Later(why) | PostError::Missing(why)) => Outcome::Later(why),
        })
    }

    /// Until when the rule's own quiet hours hold; programs have no others.
    async fn quiet(&self, notice: &Notice) -> Result<Option<UnixMillis>, StoreError> {
        let rule = self.rule(notice).await?;
        let sending = Sending {
            what: notice.what,
            rule: rule.as_ref(),
            wanted: None,
            way: Way::Email,
            sent_lately: 0,
            most_an_hour: u64::MAX,
            is_escalation: false,
        };
        Ok(match sending.judge(self.clock.now()) {
            Verdict::Wait(until) => Some(until),
            _ => None,
        })
    }

    async fn rule(&self, notice: &Notice) -> Result<Option<Rule>, StoreError> {
        let Some(rule) = notice.rule else { return Ok(None) };
        // A rule that was removed or cannot be read has no quiet hours any more.
        Ok(self.store.rule(rule).await?.and_then(|stored| rulebook::read(&stored).ok()))
    }

    fn desk<'a>(&'a self, settings: &'a NotificationSettings) -> Desk<'a> {
        Desk { store: &*self.store, links: &self.links, key: &self.key, settings }
    }
}

fn count(delivery: &Delivery, state: DeliveryState) {
    let channel = match delivery.to {
        Recipient::Account(_) => "email",
        Recipient::Push(_) => "push",
        Recipient::Webhook(_) => "webhook",
    };
    metrics::counter!("ostiary_server_deliveries_total", "channel" => channel, "result" => state.as_str()).increment(1);
}
