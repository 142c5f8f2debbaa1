//! Permissions, and a type for each, so that a handler's signature says what it needs.

/// A permission as a type; `May<EventsRead>` in a handler's arguments demands it.
pub trait Needs {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal,)*) => {
        /// What may be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[doc = $doc])* $name,)* }

        impl Permission {
            /// Every permission.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in API, audit log and keys.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it is for, in a sentence.
            #[must_use]
            pub fn what_for(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }

            /// Reads a permission's name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|permission| permission.as_str() == text)
            }
        }

        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Needs for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )*
    };
}

permissions! {
    /// See accounts, their grants and sessions.
    UsersRead = "users.read",
    /// Invite, approve, change, shut out accounts; nobody gives what he does not have.
    UsersManage = "users.manage",
    /// Make and end service accounts and their keys.
    KeysManage = "keys.manage",
    /// See sites and doors.
    DoorsRead = "doors.read",
    /// Make and change sites and doors, and whom a door may know.
    DoorsManage = "doors.manage",
    /// See devices and what they hold.
    DevicesRead = "devices.read",
    /// Make, claim, configure, move, revoke and command devices.
    DevicesManage = "devices.manage",
    /// See who is enrolled.
    PersonsRead = "persons.read",
    /// Enrol, change, remove people, and their groups.
    PersonsManage = "persons.manage",
    /// Take out everything held about a person.
    PersonsExport = "persons.export",
    /// See jobs and what became of their items: all of them, or those one asked for.
    JobsRead = "jobs.read",
    /// Cancel, pause and resume jobs, and put back what was given up.
    JobsManage = "jobs.manage",
    /// See removals and their receipts.
    ErasuresRead = "erasures.read",
    /// See events and their pictures.
    EventsRead = "events.read",
    /// Say whether an event was right, and talk about it.
    EventsJudge = "events.judge",
    /// Have a picture looked up.
    Recognize = "recognize",
    /// See who did what.
    AuditRead = "audit.read",
    /// See settings.
    SettingsRead = "settings.read",
    /// Change settings.
    SettingsManage = "settings.manage",
    /// Say who is told of what: rules of notifications, and webhooks.
    NotificationsManage = "notifications.manage",
    /// See how the server and its parts are, errors included.
    HealthRead = "health.read",
    /// Say that errors of the server were dealt with.
    HealthManage = "health.manage",
}
