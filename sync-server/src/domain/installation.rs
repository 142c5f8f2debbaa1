//! What the installation as a whole is called and where it stands.

use super::name::Name;

/// Settings of the installation as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// What it is called.
    pub name: Name,
    /// The IANA name of the time zone by which days are counted, for example `Europe/Vienna`.
    pub time_zone: String,
}

impl Default for Installation {
    fn default() -> Self {
        Self { name: Name::parse("Ostiary").expect("a name of letters"), time_zone: "UTC".into() }
    }
}
