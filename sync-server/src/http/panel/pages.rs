//! Every page: where it is, what it is called, what it needs, and its template.

use askama::Template;

use super::nav::Icon;
use super::shell::Shell;
use crate::domain::access::Permission;

/// A page of the panel.
pub struct Page {
    /// Its route.
    pub path: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// The permission that must hold somewhere for it to be of use; `None` is for everybody signed in.
    pub needs: Option<Permission>,
    /// Where it stands in the navigation; `None` for pages that others lead to.
    pub place: Option<Place>,
    /// Makes it.
    pub render: fn(Shell) -> askama::Result<String>,
}

/// A place in the navigation.
pub struct Place {
    /// The heading it stands under.
    pub under: &'static str,
    /// Its picture.
    pub icon: Icon,
}

/// Writes a template's type and how it is made of a shell.
macro_rules! render {
    ($file:literal) => {{
        #[derive(Template)]
        #[template(path = $file)]
        struct View {
            shell: Shell,
        }
        |shell| View { shell }.render()
    }};
}

macro_rules! pages {
    ($($path:literal $title:literal $needs:expr, $place:expr, $file:literal;)*) => {
        /// The pages, in the order of the navigation.
        pub const PAGES: &[Page] = &[$(
            Page { path: $path, title: $title, needs: $needs, place: $place, render: render!($file) },
        )*];
    };
}

const WATCH: &str = "Watch";
const PEOPLE: &str = "People";
const PLACES: &str = "Places";
const RUN: &str = "Run";

const fn place(under: &'static str, icon: Icon) -> Option<Place> {
    Some(Place { under, icon })
}

pages! {
    "/" "Live" Some(Permission::EventsRead), place(WATCH, Icon::Live), "live.html";
    "/visits" "Visits" Some(Permission::EventsRead), place(WATCH, Icon::Visits), "visits.html";
    "/visits/{id}" "Visit" Some(Permission::EventsRead), None, "visit.html";
    "/unknowns" "Unknown visitors" Some(Permission::EventsRead), place(WATCH, Icon::Unknown), "unknowns.html";
    "/unknowns/{id}" "Unknown visitor" Some(Permission::EventsRead), None, "unknown.html";
    "/conversations" "Conversations" Some(Permission::EventsRead), place(WATCH, Icon::Talk), "conversations.html";
    "/conversations/{id}" "Conversation" Some(Permission::EventsRead), None, "conversation.html";
    "/notifications" "Notifications" None, place(WATCH, Icon::Bell), "notifications.html";
    "/notifications/{id}" "Notification" None, None, "notification.html";
    "/people" "People" Some(Permission::PersonsRead), place(PEOPLE, Icon::People), "people.html";
    "/people/{id}" "Person" Some(Permission::PersonsRead), None, "person.html";
    "/enroll" "Enroll" Some(Permission::PersonsManage), place(PEOPLE, Icon::Enroll), "enroll.html";
    "/groups" "Groups" Some(Permission::PersonsRead), place(PEOPLE, Icon::Groups), "groups.html";
    "/doors" "Doors" Some(Permission::DoorsRead), place(PLACES, Icon::Door), "doors.html";
    "/doors/{id}" "Door" Some(Permission::DoorsRead), None, "door.html";
    "/devices/{id}" "Device" Some(Permission::DevicesRead), None, "device.html";
    "/jobs" "Jobs" Some(Permission::JobsRead), place(RUN, Icon::Jobs), "jobs.html";
    "/jobs/{id}" "Job" Some(Permission::JobsRead), None, "job.html";
    "/import" "Import" Some(Permission::JobsManage), None, "import.html";
    "/accuracy" "Accuracy" Some(Permission::EventsRead), place(RUN, Icon::Accuracy), "accuracy.html";
    "/analytics" "Analytics" Some(Permission::EventsRead), place(RUN, Icon::Chart), "analytics.html";
    "/rules" "Rules" Some(Permission::NotificationsManage), place(RUN, Icon::Rules), "rules.html";
    "/accounts" "Accounts" Some(Permission::UsersRead), place(RUN, Icon::Accounts), "accounts.html";
    "/accounts/{id}" "Account" Some(Permission::UsersRead), None, "user.html";
    "/services/{id}" "Service" Some(Permission::KeysManage), None, "service.html";
    "/audit" "Audit" Some(Permission::AuditRead), place(RUN, Icon::Audit), "audit.html";
    "/erasures" "Erasures" Some(Permission::ErasuresRead), place(RUN, Icon::Erasures), "erasures.html";
    "/packs" "Model packs" Some(Permission::SettingsRead), place(RUN, Icon::Packs), "packs.html";
    "/packs/{id}" "Model pack" Some(Permission::SettingsRead), None, "pack.html";
    "/retention" "Retention" Some(Permission::SettingsRead), place(RUN, Icon::Clock), "retention.html";
    "/system" "System" Some(Permission::HealthRead), place(RUN, Icon::System), "system.html";
    "/settings" "Settings" Some(Permission::SettingsRead), place(RUN, Icon::Settings), "settings.html";
    "/me" "My account" None, None, "me.html";
    "/setup" "First steps" Some(Permission::DoorsManage), None, "setup.html";
}

/// The page people come to first: the first in the navigation that is of use to them.
pub fn first_of_use(may: impl Fn(Permission) -> bool) -> &'static str {
    // What everybody may open is where nobody begins.
    let of_use = |page: &&Page| page.place.is_some() && page.needs.is_some_and(&may);
    PAGES.iter().find(of_use).map_or("/me", |page| page.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::{Access, Role};

    #[test]
    fn everybody_begins_where_there_is_something_to_see() {
        let check = |role, expected| {
            let access = Access::everywhere(role);
            assert_eq!(first_of_use(|permission| !access.reach(permission).is_nothing()), expected, "{role:?}");
        };
        check(Role::Owner, "/");
        check(Role::Viewer, "/");
        check(Role::Auditor, "/doors");
        assert_eq!(first_of_use(|_| false), "/me");
    }

    #[test]
    fn every_page_makes_a_page_without_anything_inline() {
        for page in PAGES {
            let html = (page.render)(Shell::sample(page)).unwrap();
            for (start, what) in [("<!doctype html>", "its type"), ("<main", "a main part"), ("<h1", "a heading")] {
                assert!(html.contains(start), "{} lacks {what}", page.path);
            }
            for inline in ["<style", " style=", " onclick=", "javascript:", "http://", "https://"] {
                assert!(!html.contains(inline), "{} has {inline}", page.path);
            }
            assert_eq!(html.matches("<script").count(), html.matches("type=\"module\" src=").count(), "{}", page.path);
            assert!(html.contains(&format!("<title>{}", page.title)), "{}", page.path);
        }
    }
}
