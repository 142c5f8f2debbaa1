//! To whom, and by what means.

use garde::Validate;
use ostiary_common::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{InvalidForm, invalid};
use crate::domain::access::Role;
use crate::domain::notify::{How, WebhookId, Whom};

/// Whom to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct WhomForm {
    /// These accounts.
    #[garde(length(max = 500))]
    pub accounts: Vec<Uuid>,
    /// Everybody with one of these roles over where it happens: `owner`, `admin`, `operator`, `viewer`, `auditor`.
    #[garde(length(max = 5))]
    pub roles: Vec<String>,
}

/// By what means, beside the notification centre, where everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct HowForm {
    /// By e-mail.
    #[garde(skip)]
    pub email: bool,
    /// To the browsers that people have taking messages.
    #[garde(skip)]
    pub push: bool,
    /// To these webhooks.
    #[garde(length(max = 20))]
    pub webhooks: Vec<Uuid>,
}

impl TryFrom<&WhomForm> for Whom {
    type Error = InvalidForm;
    fn try_from(form: &WhomForm) -> Result<Self, InvalidForm> {
        let role = |name: &String| Role::parse(name).ok_or_else(|| invalid("whom", format!("{name:?} is no role")));
        let roles = form.roles.iter().map(role).collect::<Result<_, _>>()?;
        Ok(Self { accounts: form.accounts.iter().copied().map(UserId).collect(), roles })
    }
}

impl From<&Whom> for WhomForm {
    fn from(whom: &Whom) -> Self {
        let roles = whom.roles.iter().map(|role| role.as_str().to_owned()).collect();
        Self { accounts: whom.accounts.iter().map(|id| id.0).collect(), roles }
    }
}

impl From<&HowForm> for How {
    fn from(form: &HowForm) -> Self {
        Self { email: form.email, push: form.push, webhooks: form.webhooks.iter().copied().map(WebhookId).collect() }
    }
}

impl From<&How> for HowForm {
    fn from(how: &How) -> Self {
        Self { email: how.email, push: how.push, webhooks: how.webhooks.iter().map(|id| id.0).collect() }
    }
}
