//! A rule: what, where and when is told, to whom, and by what means.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Time;
use ostiary_common::ids::{GroupId, PersonId};

use super::{Place, RuleId, Schedule, Signal, WebhookId, What, Whom, schedule};
use crate::domain::access::Scope;
use crate::domain::name::Name;

/// The shortest time between two messages about the same.
pub const LEAST_PAUSE: Duration = Duration::from_secs(60);
/// The longest.
pub const MOST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// Who it must be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// One person.
    Person(PersonId),
    /// Persons of a group.
    Group(GroupId),
}

/// What occurrences are gathered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Those of one door, or what else tells them apart most.
    #[default]
    Door,
    /// Those of one site.
    Site,
    /// All of the rule.
    Rule,
}

/// By what means, beside the notification centre, where everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// By e-mail.
    pub email: bool,
    /// To browsers that take messages.
    pub push: bool,
    /// To these addresses.
    pub webhooks: BTreeSet<WebhookId>,
}

/// Who else is told if nobody has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// After so long.
    pub after: Duration,
    /// To whom.
    pub whom: Whom,
    /// How.
    pub how: How,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Id.
    pub id: RuleId,
    /// What people call it.
    pub name: Name,
    /// Whether it is in force.
    pub enabled: bool,
    /// Of which kinds of things.
    pub what: BTreeSet<What>,
    /// About whom; anybody if absent.
    pub of: Option<Of>,
    /// For [`What::Absent`]: by when somebody should have been seen. The day is looked at from midnight on.
    pub absent_by: Option<Time>,
    /// Where.
    pub place: Scope,
    /// When; always if empty.
    pub when: Schedule,
    /// When messages wait, and only the centre shows them.
    pub quiet: Schedule,
    /// IANA name of the time zone of both.
    pub zone: String,
    /// To whom.
    pub whom: Whom,
    /// By what means.
    pub how: How,
    /// The least time between two messages about the same; between 1 min and 1 day.
    pub pause: Duration,
    /// What is gathered into one.
    pub group_by: GroupBy,
    /// Whether messages do not heed the quiet hours and bounds of those they go to.
    pub urgent: bool,
    /// Who else is told if nobody reads it.
    pub escalation: Option<Escalation>,
}

/// Why a rule cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// It is about nothing.
    #[error("say of what kinds of things, at least one")]
    Nothing,
    /// Nobody would be told.
    #[error("name somebody to be told: accounts, roles or webhooks")]
    Nobody,
    /// The pause is too short or too long.
    #[error("must be 60 to 86400 seconds")]
    Pause,
    /// Kinds that cannot be in one rule.
    #[error("`absent` wants `absent_by` and somebody (a person or a group), and stands alone")]
    Absent,
    /// Such a thing is told to whom it concerns, without a rule.
    #[error("`mention` is told to whoever was named, without a rule")]
    Mention,
}

impl Rule {
    /// Checks what no single value shows.
    ///
    /// # Errors
    /// [`InvalidRule`].
    pub fn checked(self) -> Result<Self, InvalidRule> {
        let is_absent = self.what.contains(&What::Absent);
        let absent_is_whole = self.what.len() == 1 && self.of.is_some() && self.absent_by.is_some();
        if self.what.is_empty() {
            Err(InvalidRule::Nothing)
        } else if self.what.contains(&What::Mention) {
            Err(InvalidRule::Mention)
        } else if self.whom.is_nobody() && self.how.webhooks.is_empty() {
            Err(InvalidRule::Nobody)
        } else if is_absent && !absent_is_whole {
            Err(InvalidRule::Absent)
        } else if !(LEAST_PAUSE..=MOST_PAUSE).contains(&self.pause) {
            Err(InvalidRule::Pause)
        } else {
            Ok(self)
        }
    }

    /// Whether something is to be told by it.
    #[must_use]
    pub fn matches(&self, signal: &Signal) -> bool {
        let fits = match self.of {
            None => true,
            Some(Of::Person(person)) => signal.person == Some(person),
            Some(Of::Group(group)) => signal.groups.contains(&group),
        };
        let in_time = self.when.is_empty() || self.when.holds(signal.at, &schedule::zone(&self.zone));
        self.enabled && self.what.contains(&signal.what) && signal.place.is_in(self.place) && fits && in_time
    }

    /// What a signal is gathered by: those with the same key within a while are one.
    #[must_use]
    pub fn key(&self, signal: &Signal) -> String {
        let Place { site, door, device } = signal.place;
        let by = match (self.group_by, site, door, device) {
            (GroupBy::Rule, ..) => String::new(),
            (GroupBy::Site, Some(site), ..) => format!("site:{site}"),
            (GroupBy::Door, _, _, Some(device)) if !signal.what.is_of_visits() => format!("device:{device}"),
            (GroupBy::Door, _, Some(door), _) => format!("door:{door}"),
            _ => String::new(),
        };
        let who = match (signal.what.is_about_persons(), signal.person) {
            (true, Some(person)) => format!("person:{person}"),
            _ => String::new(),
        };
        let parts = [signal.what.as_str(), &by, &who, &signal.about];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }

    /// Where a notice of a signal belongs: as far as what is gathered in it has one place.
    #[must_use]
    pub fn place_of(&self, signal: &Signal) -> Place {
        match self.group_by {
            GroupBy::Door => signal.place,
            GroupBy::Site => Place { site: signal.place.site, door: None, device: None },
            GroupBy::Rule => match self.place {
                Scope::Everything => Place::default(),
                Scope::Site(site) => Place { site: Some(site), door: None, device: None },
                Scope::Door(_) => Place { device: None, ..signal.place },
            },
        }
    }
}

impl What {
    /// Whether it is about what passes a door, not about a device.
    #[must_use]
    pub const fn is_of_visits(self) -> bool {
        matches!(self, Self::Unknown | Self::Seen | Self::Spoof)
    }
}

#[cfg(test)]
pub(super) mod tests;
