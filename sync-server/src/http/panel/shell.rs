//! What stands around every page: who is signed in, where they may go, and in which zone the doors are.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use super::assets;
use super::nav::{Section, sections};
use super::pages::Page;
use crate::domain::access::Permission;
use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::problem::ApiError;
use crate::http::v1::settings::general::installation;

/// The cookie that remembers the choice between light and dark; without one, the browser's own wish holds.
const THEME: &str = "ostiary-theme";

/// What stands around a page.
pub struct Shell {
    /// What the page is called.
    pub title: &'static str,
    /// What the installation is called.
    pub installation: String,
    /// The zone of the installation, and so of its devices.
    pub zone: String,
    /// What URLs of assets begin with.
    pub assets: &'static str,
    /// `light`, `dark`, or empty.
    pub theme: &'static str,
    /// The account's id.
    pub account: String,
    /// What the account is called.
    pub name: String,
    /// The permissions it has anywhere, with spaces between, for the page's modules. They only decide what is offered:
    /// the API decides what is done.
    pub permissions: String,
    /// Where it may go.
    pub sections: Vec<Section>,
}

impl Shell {
    /// The shell of a page for somebody.
    ///
    /// # Errors
    /// [`ApiError`] if the store cannot be read.
    pub async fn of(api: &Api, caller: &Caller, page: &Page, headers: &HeaderMap) -> Result<Self, ApiError> {
        let (installation, _) = installation(&*api.store).await?;
        let account = api.accounts.book.account(caller.account).await?;
        let has = |permission: Permission| !caller.access.reach(permission).is_nothing();
        let held = Permission::ALL.iter().filter(|permission| has(**permission)).map(|held| held.as_str());
        Ok(Self {
            title: page.title,
            installation: installation.name.into_string(),
            zone: installation.time_zone,
            assets: assets::base(),
            theme: theme(headers),
            account: caller.account.to_string(),
            name: account.map(|account| account.name).unwrap_or_default(),
            permissions: held.collect::<Vec<_>>().join(" "),
            sections: sections(page, has),
        })
    }

    /// A shell for tests of templates.
    #[cfg(test)]
    pub fn sample(page: &Page) -> Self {
        Self {
            title: page.title,
            installation: "Museum".into(),
            zone: "Europe/Vienna".into(),
            assets: assets::base(),
            theme: "",
            account: "0".into(),
            name: "Ada".into(),
            permissions: String::new(),
            sections: sections(page, |_| true),
        }
    }
}

/// The choice between light and dark.
pub fn theme(headers: &HeaderMap) -> &'static str {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut pairs = cookies.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    match pairs.find(|(name, _)| *name == THEME).map(|(_, value)| value) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_light_and_dark_and_nothing_else() {
        let check = |cookie: &str, expected: &str| {
            let headers = HeaderMap::from_iter([(COOKIE, cookie.parse().unwrap())]);
            assert_eq!(theme(&headers), expected, "{cookie}");
        };
        check("a=b; ostiary-theme=dark", "dark");
        check("ostiary-theme=light", "light");
        check("ostiary-theme=\"><script>", "");
        check("a=b", "");
        assert_eq!(theme(&HeaderMap::new()), "");
    }
}
