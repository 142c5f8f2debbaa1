//! The navigation: what of the pages is of use to somebody.

use super::pages::{PAGES, Page};
use crate::domain::access::Permission;

macro_rules! icons {
    ($($name:ident = $word:literal,)*) => {
        /// A picture of the sprite in `templates/icons.html`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Icon {
            $(#[doc = $word] $name,)*
        }

        impl Icon {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in the sprite.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

icons! {
    Live = "live",
    Visits = "visits",
    Unknown = "unknown",
    People = "people",
    Enroll = "enroll",
    Groups = "groups",
    Door = "door",
    Jobs = "jobs",
    Accuracy = "check",
    Accounts = "accounts",
    Audit = "audit",
    Erasures = "erasures",
    System = "system",
    Settings = "settings",
    Bell = "bell",
    Talk = "talk",
    Rules = "rules",
    Chart = "chart",
    Clock = "clock",
    Packs = "packs",
}

/// A heading and what stands under it.
pub struct Section {
    /// The heading.
    pub heading: &'static str,
    /// The links.
    pub links: Vec<Link>,
}

/// A link to a page.
pub struct Link {
    /// Where to.
    pub path: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Its picture.
    pub icon: &'static str,
    /// Whether it leads to where one is, or to what leads there.
    pub is_current: bool,
}

/// The navigation of somebody who `may` do some things, seen from a page.
pub fn sections(from: &Page, may: impl Fn(Permission) -> bool) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for page in PAGES {
        let Some(place) = &page.place else { continue };
        if !page.needs.is_none_or(&may) {
            continue;
        }
        let is_current = is_within(from.path, page.path);
        let link = Link { path: page.path, title: page.title, icon: place.icon.name(), is_current };
        match sections.last_mut().filter(|section| section.heading == place.under) {
            Some(section) => section.links.push(link),
            None => sections.push(Section { heading: place.under, links: vec![link] }),
        }
    }
    sections
}

/// Whether a page is another one or below it; devices stand at doors, services among accounts.
fn is_within(path: &str, other: &str) -> bool {
    let parent = match path {
        "/devices/{id}" => "/doors",
        "/services/{id}" => "/accounts",
        _ => path.strip_suffix("/{id}").unwrap_or(path),
    };
    parent == other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::{Access, Role};

    #[test]
    fn leads_to_what_is_of_use() {
        let check = |role, expected: &[&str]| {
            let access = Access::everywhere(role);
            let sections = sections(&PAGES[0], |permission| !access.reach(permission).is_nothing());
            let paths: Vec<_> = sections.iter().flat_map(|section| &section.links).map(|link| link.path).collect();
            assert_eq!(paths, expected, "{role:?}");
        };
        let watch = ["/", "/visits", "/unknowns", "/conversations", "/notifications"];
        let run = ["/accuracy", "/analytics"];
        check(Role::Viewer, &[&watch[..], &["/doors"], &run].concat());
        check(Role::Operator, &[&watch[..], &["/people", "/groups", "/doors"], &run].concat());
        let auditor = [
            "/notifications",
            "/doors",
            "/accounts",
            "/audit",
            "/erasures",
            "/packs",
            "/retention",
            "/system",
            "/settings",
        ];
        check(Role::Auditor, &auditor);
    }

    #[test]
    fn says_where_one_is() {
        let check = |path: &str, expected: &str| {
            let from = PAGES.iter().find(|page| page.path == path).unwrap();
            let sections = sections(from, |_| true);
            let current = sections.iter().flat_map(|section| &section.links).filter(|link| link.is_current);
            assert_eq!(current.map(|link| link.path).collect::<Vec<_>>(), [expected], "{path}");
        };
        check("/", "/");
        check("/people/{id}", "/people");
        check("/devices/{id}", "/doors");
        check("/services/{id}", "/accounts");
    }

    #[test]
    fn every_icon_is_in_the_sprite() {
        let sprite = include_str!("templates/icons.html");
        for icon in Icon::ALL {
            assert!(sprite.contains(&format!("id=\"i-{}\"", icon.name())), "{}", icon.name());
        }
    }
}
