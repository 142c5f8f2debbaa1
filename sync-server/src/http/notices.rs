//! What handlers need of notices.

use std::sync::Arc;

use super::auth::May;
use super::problem::ApiError;
use crate::domain::access::may::Needs;
use crate::domain::access::{Access, Permission, Reach, Scope};
use crate::domain::notify::What;
use crate::notify::direct::Direct;
use crate::notify::push::PushKey;
use crate::notify::{Bells, NotifyStore};
use crate::ports::notify::Sight;
use crate::ports::poster::Poster;
use crate::sealing::DerivedKey;

/// Whom notices tell, and by what rules.
pub struct Notices {
    /// Where they are.
    pub store: Arc<dyn NotifyStore>,
    /// Tells single accounts.
    pub direct: Direct,
    /// Checks webhooks' addresses.
    pub poster: Arc<dyn Poster>,
    /// Signs messages to browsers; `None` where nobody is pushed to.
    pub push: Option<Arc<PushKey>>,
    /// Signs links that end messages.
    pub key: DerivedKey,
    /// Tell of news.
    pub bells: Bells,
}

/// What kinds of things an access lets know of, and where.
pub fn sight(access: &Access) -> Sight {
    let mut sight: Vec<(Permission, Vec<What>)> = Vec::new();
    for what in What::ALL {
        match sight.iter_mut().find(|(needs, _)| *needs == what.needs()) {
            Some((_, kinds)) => kinds.push(what),
            None => sight.push((what.needs(), vec![what])),
        }
    }
    let reached = sight.into_iter().map(|(needs, kinds)| (kinds, access.reach(needs)));
    reached.filter(|(_, reach): &(Vec<What>, Reach)| !reach.is_nothing()).collect()
}

/// Whether a whole scope lies within a caller's reach.
///
/// # Errors
/// [`ApiError::Internal`].
pub async fn is_within<P: Needs>(may: &May<P>, scope: Scope) -> Result<bool, ApiError> {
    Ok(match scope {
        Scope::Everything => may.reach.is_everything(),
        Scope::Site(site) => may.reach.covers_site(site),
        Scope::Door(door) => may.reach.is_everything() || may.api.within.door_within(&may.reach, door).await?.is_some(),
    })
}

impl<P> May<P> {
    /// Whom notices tell.
    pub fn notices(&self) -> &Notices {
        &self.api.notices
    }
}
