//! A rule.

use std::time::Duration;

use garde::Validate;
use ostiary_common::ids::{DoorId, GroupId, PersonId, SiteId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::hours::{WindowForm, clock, clock_text, schedule, utc, windows, zone};
use super::people::{HowForm, WhomForm};
use super::{InvalidForm, invalid, kinds};
use crate::domain::access::Scope;
use crate::domain::name::Name;
use crate::domain::notify::{Escalation, GroupBy, How, Of, Rule, RuleId, Whom};

/// Who else is told if nobody reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct EscalationForm {
    /// After so many seconds, 60 to 86400.
    #[garde(range(min = 60, max = 86_400))]
    pub after_s: u32,
    /// To whom.
    #[garde(dive)]
    pub whom: WhomForm,
    /// How.
    #[garde(dive)]
    #[serde(default)]
    pub how: HowForm,
}

fn yes() -> bool {
    true
}

fn five_minutes() -> u32 {
    300
}

/// What, where and when is told, to whom, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RuleForm {
    /// What people call it, 1 to 100 characters.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Unknown at night")]
    pub name: String,
    /// Whether it is in force.
    #[garde(skip)]
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Of which kinds of things: `unknown`, `seen`, `absent`, `spoof_suspected`, `device_lost`, `device_recovered`,
    /// `camera_trouble`, `camera_recovered`, `device_trouble`, `job_done`, `job_failed`, `disk`, `certificate`, `accuracy`, `new_place`,
    /// `server`.
    #[garde(length(min = 1, max = 17))]
    pub what: Vec<String>,
    /// About this person only; not with `group`.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Uuid>,
    /// About persons of this group only.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Uuid>,
    /// Of `absent`: by when somebody should have been seen that day, `HH:MM`.
    #[garde(inner(length(max = 5)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent_by: Option<String>,
    /// What happens at this site; not with `door`. Without either, anywhere.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Uuid>,
    /// What happens at this door.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<Uuid>,
    /// When it holds; always if empty.
    #[garde(length(max = 28), dive)]
    #[serde(default)]
    pub when: Vec<WindowForm>,
    /// When messages wait, and only the centre shows them.
    #[garde(length(max = 28), dive)]
    #[serde(default)]
    pub quiet: Vec<WindowForm>,
    /// IANA name of the time zone of all hours.
    #[garde(length(max = 100))]
    #[serde(default = "utc")]
    #[schema(example = "Europe/Vienna")]
    pub time_zone: String,
    /// To whom.
    #[garde(dive)]
    #[serde(default)]
    pub whom: WhomForm,
    /// How.
    #[garde(dive)]
    #[serde(default)]
    pub how: HowForm,
    /// The least seconds between two messages about the same, 60 to 86400; what comes meanwhile is told together.
    #[garde(range(min = 60, max = 86_400))]
    #[serde(default = "five_minutes")]
    pub pause_s: u32,
    /// What is gathered: all of a `door`, of a `site`, or of the `rule`.
    #[garde(length(max = 10))]
    #[serde(default = "by_door")]
    pub group_by: String,
    /// Whether messages heed neither the quiet hours nor the hourly bound of those they go to.
    #[garde(skip)]
    #[serde(default)]
    pub urgent: bool,
    /// Who else is told if nobody reads it.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationForm>,
}

fn by_door() -> String {
    "door".into()
}

impl RuleForm {
    /// The rule it says.
    ///
    /// # Errors
    /// [`InvalidForm`] with what is allowed.
    pub fn rule(&self, id: RuleId) -> Result<Rule, InvalidForm> {
        let of = match (self.person, self.group) {
            (Some(_), Some(_)) => return Err(invalid("group", "a person or a group, not both")),
            (Some(person), None) => Some(Of::Person(PersonId(person))),
            (None, group) => group.map(|group| Of::Group(GroupId(group))),
        };
        let place = match (self.site, self.door) {
            (Some(_), Some(_)) => return Err(invalid("door", "a site or a door, not both")),
            (Some(site), None) => Scope::Site(SiteId(site)),
            (None, door) => door.map_or(Scope::Everything, |door| Scope::Door(DoorId(door))),
        };
        let group_by = match self.group_by.as_str() {
            "door" => GroupBy::Door,
            "site" => GroupBy::Site,
            "rule" => GroupBy::Rule,
            other => return Err(invalid("group_by", format!("must be door, site or rule, not {other:?}"))),
        };
        let escalation = self.escalation.as_ref().map(|form| {
            let after = Duration::from_secs(form.after_s.into());
            Ok(Escalation { after, whom: Whom::try_from(&form.whom)?, how: How::from(&form.how) })
        });
        let rule = Rule {
            id,
            name: Name::parse(&self.name).map_err(|e| invalid("name", e))?,
            enabled: self.enabled,
            what: kinds("what", &self.what)?,
            of,
            absent_by: self.absent_by.as_deref().map(|text| clock("absent_by", text)).transpose()?,
            place,
            when: schedule("when", &self.when)?,
            quiet: schedule("quiet", &self.quiet)?,
            zone: zone(&self.time_zone)?,
            whom: Whom::try_from(&self.whom)?,
            how: How::from(&self.how),
            pause: Duration::from_secs(self.pause_s.into()),
            group_by,
            urgent: self.urgent,
            escalation: escalation.transpose()?,
        };
        rule.checked().map_err(|e| invalid("what", e))
    }
}

impl From<&Rule> for RuleForm {
    fn from(rule: &Rule) -> Self {
        let (person, group) = match rule.of {
            Some(Of::Person(person)) => (Some(person.0), None),
            Some(Of::Group(group)) => (None, Some(group.0)),
            None => (None, None),
        };
        let (site, door) = match rule.place {
            Scope::Everything => (None, None),
            Scope::Site(site) => (Some(site.0), None),
            Scope::Door(door) => (None, Some(door.0)),
        };
        let group_by = match rule.group_by {
            GroupBy::Door => "door",
            GroupBy::Site => "site",
            GroupBy::Rule => "rule",
        };
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        Self {
            name: rule.name.to_string(),
            enabled: rule.enabled,
            what: rule.what.iter().map(|what| what.as_str().to_owned()).collect(),
            person,
            group,
            absent_by: rule.absent_by.map(clock_text),
            site,
            door,
            when: windows(&rule.when),
            quiet: windows(&rule.quiet),
            time_zone: rule.zone.clone(),
            whom: WhomForm::from(&rule.whom),
            how: HowForm::from(&rule.how),
            pause_s: seconds(rule.pause),
            group_by: group_by.into(),
            urgent: rule.urgent,
            escalation: rule.escalation.as_ref().map(|escalation| EscalationForm {
                after_s: seconds(escalation.after),
                whom: WhomForm::from(&escalation.whom),
                how: HowForm::from(&escalation.how),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(value: serde_json::Value) -> RuleForm {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_a_rule_says_comes_back() {
        let said = form(json!({
            "name": "Night", "what": ["seen"], "person": Uuid::from_u128(7), "door": Uuid::from_u128(8),
            "when": [{"days": ["mon", "sun"], "from": "22:00", "until": "06:30"}], "time_zone": "Europe/Vienna",
            "whom": {"accounts": [Uuid::from_u128(9)], "roles": ["operator"]}, "group_by": "rule", "pause_s": 600,
            "how": {"email": true, "webhooks": [Uuid::from_u128(1)]},
            "escalation": {"after_s": 900, "whom": {"roles": ["admin"]}},
        }));
        let rule = said.rule(RuleId::generate()).unwrap();
        assert_eq!(RuleForm::from(&rule), said);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |patch: serde_json::Value, field: &str| {
            let mut value = json!({"name": "x", "what": ["unknown"], "whom": {"roles": ["admin"]}});
            value.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
            assert_eq!(form(value).rule(RuleId::generate()).unwrap_err().field, field, "{patch}");
        };
        let window = |from: &str| json!([{"days": ["mon"], "from": from, "until": "06:00"}]);
        check(json!({"what": ["weather"]}), "what");
        check(json!({"what": ["absent"]}), "what");
        check(json!({"whom": {}}), "what");
        check(json!({"whom": {"roles": ["king"]}}), "whom");
        check(json!({"person": Uuid::nil(), "group": Uuid::nil()}), "group");
        check(json!({"site": Uuid::nil(), "door": Uuid::nil()}), "door");
        check(json!({"group_by": "day"}), "group_by");
        check(json!({"time_zone": "Mars/North"}), "time_zone");
        check(json!({"when": [{"days": ["someday"], "from": "08:00", "until": "09:00"}]}), "days");
        for wrong in ["8:00", "24:00", "08:60", "0800", "ab:cd", "+1:00"] {
            check(json!({"quiet": window(wrong)}), "quiet");
        }
    }
}
