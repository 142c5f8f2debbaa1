//! Who is connected, as what, and until when.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use ostiary_common::time::UnixMillis;
use rmqtt::types::Id;

use super::acl::Principal;
use super::credentials::Granted;

/// One client that was let in.
#[derive(Clone)]
pub(super) struct Admitted {
    /// The connection, as the broker names it.
    pub(super) id: Id,
    /// As what it was let in.
    pub(super) principal: Arc<Principal>,
    expires_at: Option<UnixMillis>,
}

/// Clients let in, by client id; the broker has at most one session for each.
#[derive(Default)]
pub(super) struct Sessions {
    admitted: RwLock<HashMap<String, Admitted>>,
}

impl Sessions {
    /// Remembers a client that was let in. A second connection of the same client takes the place of the first,
    /// as it does in the broker.
    pub(super) fn admit(&self, id: Id, granted: Granted) {
        let client = id.client_id.to_string();
        let admitted = Admitted { id, principal: Arc::new(granted.principal), expires_at: granted.expires_at };
        self.write().insert(client, admitted);
    }

    /// As what this client was let in; `None` if it was not, which means it may nothing.
    pub(super) fn principal(&self, client_id: &str) -> Option<Arc<Principal>> {
        self.admitted
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(client_id)
            .map(|admitted| admitted.principal.clone())
    }

    /// Forgets a connection, unless a newer one of the same client stands in its place.
    pub(super) fn leave(&self, id: &Id) {
        let mut admitted = self.write();
        if admitted.get(&*id.client_id).is_some_and(|known| known.id == *id) {
            admitted.remove(&*id.client_id);
        }
    }

    /// Connections whose token has ended.
    pub(super) fn expired(&self, now: UnixMillis) -> Vec<Id> {
        self.all(|admitted| admitted.expires_at.is_some_and(|at| at <= now))
    }

    /// Whether somebody is connected as what `wanted` picks.
    pub(super) fn any(&self, wanted: impl Fn(&Principal) -> bool) -> bool {
        let admitted = self.admitted.read().unwrap_or_else(PoisonError::into_inner);
        admitted.values().any(|one| wanted(&one.principal))
    }

    /// Every connection `wanted` picks.
    pub(super) fn all(&self, wanted: impl Fn(&Admitted) -> bool) -> Vec<Id> {
        let admitted = self.admitted.read().unwrap_or_else(PoisonError::into_inner);
        admitted.values().filter(|one| wanted(one)).map(|one| one.id.clone()).collect()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Admitted>> {
        self.admitted.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(client: &str) -> Id {
        Id::new(1, 1, None, None, client.into(), None)
    }

    fn granted(expires_at: Option<i64>) -> Granted {
        Granted { principal: Principal::Monitor, expires_at: expires_at.map(UnixMillis) }
    }

    #[test]
    fn a_late_leave_of_the_old_connection_keeps_the_new_one() {
        let sessions = Sessions::default();
        let (old, new) = (id("a"), {
            std::thread::sleep(std::time::Duration::from_millis(2));
            id("a")
        });
        sessions.admit(old.clone(), granted(None));
        sessions.admit(new.clone(), granted(None));
        sessions.leave(&old);
        assert!(sessions.principal("a").is_some());
        sessions.leave(&new);
        assert!(sessions.principal("a").is_none());
    }

    #[test]
    fn tokens_end() {
        let sessions = Sessions::default();
        sessions.admit(id("short"), granted(Some(10)));
        sessions.admit(id("long"), granted(Some(99)));
        sessions.admit(id("ever"), granted(None));
        assert!(sessions.expired(UnixMillis(9)).is_empty());
        let ended = sessions.expired(UnixMillis(10));
        assert_eq!(ended.iter().map(|id| id.client_id.to_string()).collect::<Vec<_>>(), ["short"]);
    }
}
