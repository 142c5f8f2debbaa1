//! Points in time as they travel: milliseconds since 1970-01-01T00:00Z. Reading the clock is not done
//! here: programs hand the time in.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Wall time in milliseconds since the Unix epoch; may be negative on a board whose clock is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Converts the system's wall time; saturates far outside any calendar.
    #[must_use]
    pub fn from_system_time(at: SystemTime) -> Self {
        let signed = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        match at.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(signed(after)),
            Err(before) => Self(-signed(before.duration())),
        }
    }

    /// The same instant in whole seconds, as tokens want it; instants before 1970 give 0.
    #[must_use]
    pub fn as_unix_seconds(self) -> u64 {
        u64::try_from(self.0.div_euclid(1000)).unwrap_or(0)
    }

    /// From whole seconds.
    #[must_use]
    pub fn from_unix_seconds(seconds: u64) -> Self {
        Self(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000))
    }

    /// This instant moved by `duration`; saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Milliseconds from `earlier` to this instant; negative if the clock went backwards.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 text in UTC, as in `2026-11-21T01:22:09.000Z`; instants outside the years 0 to 9999 come
    /// as milliseconds.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|t| t.format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("{} ms", self.0))
    }

    /// Parses RFC 3339 text.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(parsed.unix_timestamp_nanos() / 1_000_000).ok().map(Self)
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_both_ways() {
        for (ms, text) in [(0, "1970-01-01T00:00:00Z"), (1_795_224_129_250, "2026-11-21T01:22:09.25Z")] {
            assert_eq!(UnixMillis(ms).to_rfc3339(), text);
            assert_eq!(UnixMillis::parse_rfc3339(text), Some(UnixMillis(ms)));
        }
        assert_eq!(UnixMillis::parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn seconds_never_go_below_zero() {
        assert_eq!(UnixMillis(-5).as_unix_seconds(), 0);
        assert_eq!(UnixMillis(1999).as_unix_seconds(), 1);
    }
}
