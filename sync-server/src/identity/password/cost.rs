//! What a password hash costs: Argon2id's parameters, which may be raised.

use argon2::password_hash::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

/// The least memory, MiB, and the fewest passes (OWASP's and RFC 9106's lower bound).
pub const MIN_MEMORY_MIB: u32 = 19;
/// See [`MIN_MEMORY_MIB`].
pub const MIN_PASSES: u32 = 2;

/// Parameters of Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory of one hash, MiB.
    pub memory_mib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Hashes at once: each takes its memory and a core, so a flood of log-ins must queue.
    pub at_once: u32,
}

impl Default for HashCost {
    fn default() -> Self {
        Self { memory_mib: MIN_MEMORY_MIB, passes: MIN_PASSES, lanes: 1, at_once: 2 }
    }
}

impl HashCost {
    pub(super) fn argon2(&self) -> Argon2<'static> {
        let memory_kib = self.memory_mib.saturating_mul(1024);
        let params = Params::new(memory_kib, self.passes, self.lanes, None);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.expect("the configuration was checked"))
    }

    /// Whether a stored hash was made with other parameters, and is to be made anew when the password is next known.
    pub(super) fn differs_from(&self, stored: &PasswordHash<'_>) -> bool {
        let found = Params::try_from(stored);
        let wanted = (self.memory_mib * 1024, self.passes, self.lanes);
        let same = found.is_ok_and(|params| (params.m_cost(), params.t_cost(), params.p_cost()) == wanted);
        !same || stored.algorithm != Algorithm::Argon2id.ident()
    }
}
