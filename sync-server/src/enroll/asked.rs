//! Who asked for a job: what they may now, and how the audit log names them.

use std::sync::Arc;

use ostiary_common::ids::{PersonId, UserId};
use ostiary_common::time::UnixMillis;

use super::Enrollment;
use crate::domain::access::{Circle, Permission};
use crate::domain::account::{Kind, State};
use crate::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use crate::domain::job::{ClaimedItem, JobId};
use crate::domain::person::Template;
use crate::jobs::work::WorkError;
use crate::ports::accounts::AccountStore;
use crate::ports::reach::ReachStore;

/// Whom those may see and change who asked for jobs, as of now and not of when they asked.
#[derive(Clone)]
pub struct Circles {
    /// Accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// What lies within a reach.
    pub reach: Arc<dyn ReachStore>,
}

/// Who asked for a job.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Whom they may enroll; `None` if nobody any more.
    pub circle: Option<Circle>,
    /// Their name in the audit log.
    pub actor: String,
}

impl Circles {
    /// Who asked, as things are now. The server itself may enroll everyone.
    ///
    /// # Errors
    /// [`WorkError::Store`].
    pub async fn asker(&self, account: Option<UserId>) -> Result<Asker, WorkError> {
        let Some(id) = account else {
            return Ok(Asker { circle: Some(Circle::Everything), actor: "server".to_owned() });
        };
        let account = self.accounts.account(id).await?;
        let is_service = account.as_ref().is_some_and(|account| account.kind == Kind::Service);
        let actor = if is_service { format!("service:{id}") } else { format!("user:{id}") };
        let active = account.filter(|account| account.state == State::Active);
        let reach = active.map(|account| account.access.reach(Permission::PersonsManage));
        let circle = match reach.filter(|reach| !reach.is_nothing()) {
            Some(reach) => Some(self.reach.circle(&reach).await?),
            None => None,
        };
        Ok(Asker { circle, actor })
    }

    /// The person an item is about, whom who asked may see, and the name of who asked, if that one may enroll the person
    /// now, who has consented; else why not, as a stable word and in words.
    ///
    /// # Errors
    /// [`WorkError`].
    pub async fn admitted(
        &self,
        enrollment: &Enrollment,
        item: &ClaimedItem,
    ) -> Result<Result<(PersonId, Circle, String), (&'static str, String)>, WorkError> {
        let person = match item.person {
            Some(id) => enrollment.store.person(id).await?,
            None => None,
        };
        let Some(person) = person else {
            return Ok(Err(("person-gone", "The person was removed meanwhile.".to_owned())));
        };
        let Asker { circle, actor } = self.asker(item.account).await?;
        let Some(circle) = circle.filter(|circle| circle.owns(&person.groups)) else {
            return Ok(Err(("not-allowed", "Who asked for this may not enroll this person any more.".to_owned())));
        };
        let missing = enrollment.consent_missing(person.id).await?;
        Ok(match missing {
            Some(missing) => Err(("consent-missing", format!("Nothing is taken: {missing}."))),
            None => Ok((person.id, circle, actor)),
        })
    }
}

/// What the audit log says of who asked for a job.
#[derive(Clone, Copy, Debug)]
pub struct JobSaid<'a> {
    /// The job.
    pub job: JobId,
    /// Who asked, as the audit log names them.
    pub actor: &'a str,
    /// Where from it was asked.
    pub source: &'a str,
}

impl JobSaid<'_> {
    /// The line that tells of a template.
    #[must_use]
    pub fn note(&self, at: UnixMillis, template: &Template, insisted: bool) -> AuditNote {
        let insisted = if insisted { ", insisted" } else { "" };
        let entry = AuditEntry {
            at,
            actor: self.actor.to_owned(),
            action: "person.enroll".to_owned(),
            target: format!("person:{}", template.person),
            source: self.source.to_owned(),
            result: AuditResult::Ok,
            detail: format!("template:{}, job:{}{insisted}", template.id, self.job),
        };
        AuditNote { entry, trace: AuditTrace::default() }
    }
}
