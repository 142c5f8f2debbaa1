//! What pages are made of beside HTML: style sheets, modules, pictures; all within the program.
//!
//! Every URL holds a hash over all assets, the *edition*: modules import each other by relative paths, so a page never
//! mixes two editions, and browsers keep what they have for ever. Each is compressed once.

use std::io::Write;
use std::sync::LazyLock;

use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// An asset as it stands in the source.
type Source = (&'static str, &'static [u8]);

macro_rules! sources {
    ($($name:literal)*) => { &[$(($name, include_bytes!(concat!("assets/", $name)))),*] };
}

/// Every asset.
const SOURCES: &[Source] = sources! {
    "icon.svg" "sw.js" "css/base.css" "css/shell.css" "css/parts.css" "css/pages.css" "css/talk.css" "core/api.js"
    "core/choose.js" "core/comparison.js" "core/composer.js" "core/consents.js" "core/csv.js" "core/deliveries.js" "core/devices.js"
    "core/dialog.js" "core/dom.js" "core/form.js" "core/grants.js" "core/hours.js" "core/jobs.js" "core/list.js"
    "core/live.js" "core/mending.js" "core/message.js" "core/mine.js" "core/notice.js" "core/packs.js" "core/page.js" "core/persons.js"
    "core/places.js" "core/push.js" "core/recognition.js" "core/rule.js" "core/session.js" "core/sessions.js" "core/shell.js"
    "core/sound.js" "core/thread.js" "core/time.js" "core/titles.js" "core/toast.js" "core/unknowns.js"
    "core/unread.js" "core/upload.js" "core/verdict.js" "core/visits.js" "core/words.js" "enroll/board.js"
    "enroll/camera.js" "enroll/clip.js" "enroll/door.js" "enroll/drop.js" "enroll/results.js"
    "pages/accounts.js" "pages/accuracy.js" "pages/analytics.js" "pages/audit.js" "pages/conversation.js"
    "pages/conversations.js" "pages/device.js" "pages/door.js" "pages/doors.js" "pages/enroll.js" "pages/erasures.js"
    "pages/groups.js" "pages/import.js" "pages/job.js" "pages/jobs.js" "pages/link.js" "pages/live.js" "pages/me.js"
    "pages/notification.js" "pages/notifications.js" "pages/pack.js" "pages/packs.js" "pages/people.js" "pages/person.js" "pages/retention.js"
    "pages/rules.js" "pages/service.js" "pages/settings.js" "pages/setup.js" "pages/sign-in.js" "pages/system.js"
    "pages/unknown.js" "pages/unknowns.js" "pages/user.js" "pages/visit.js" "pages/visits.js"
};

/// Half a SHA-256 is more than enough to tell editions apart.
const EDITION_BYTES: usize = 16;

static ALL: LazyLock<Assets> = LazyLock::new(|| Assets::of(SOURCES));

struct Assets {
    edition: String,
    base: String,
    items: Vec<Asset>,
}

struct Asset {
    name: &'static str,
    plain: &'static [u8],
    gzip: Vec<u8>,
}

/// What URLs of this edition begin with.
pub fn base() -> &'static str {
    &ALL.base
}

/// The answer to a request for an asset.
pub fn answer(edition: &str, name: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = ALL.items.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // A page of another edition was loaded before an update or from another server of this installation. What there is
    // now serves it better than nothing, but is not kept under that name.
    let kept = if edition == ALL.edition { "public, max-age=31536000, immutable" } else { "no-store" };
    let common = [(CONTENT_TYPE, kind(name)), (CACHE_CONTROL, kept), (VARY, "accept-encoding")];
    match takes_gzip(headers) {
        true => (common, [(CONTENT_ENCODING, "gzip")], asset.gzip.as_slice()).into_response(),
        false => (common, asset.plain).into_response(),
    }
}

/// The service worker, which browsers look for anew at least daily.
pub fn worker(headers: &HeaderMap) -> Response {
    let mut answer = answer(&ALL.edition, "sw.js", headers);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

impl Assets {
    fn of(sources: &[Source]) -> Self {
        let mut hash = Sha256::new();
        for (name, bytes) in sources {
            // Lengths keep names and contents apart.
            hash.update(format!("{} {name} {}\n", name.len(), bytes.len()));
            hash.update(bytes);
        }
        let edition = hex::encode(&hash.finalize()[..EDITION_BYTES]);
        let items = sources.iter().map(|(name, plain)| Asset { name, plain, gzip: compressed(plain) }).collect();
        Self { base: format!("/assets/{edition}"), edition, items }
    }
}

fn compressed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.expect("memory takes what is written")
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Whether gzip is among what is accepted, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|header| header.to_str().ok());
    let mut codings = accepted.flat_map(|header| header.split(',')).map(|coding| coding.trim().split(';'));
    codings.any(|mut coding| {
        let is_gzip = coding.next().is_some_and(|name| name.trim().eq_ignore_ascii_case("gzip"));
        let weight = coding.find_map(|part| part.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()));
        is_gzip && weight.is_none_or(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compresses_for_who_takes_it() {
        let check = |accepts: &str, expected: bool| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accepts.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), expected, "{accepts}");
        };
        check("gzip", true);
        check("br, gzip;q=0.5", true);
        check("br, GZIP", true);
        check("gzip;q=0", false);
        check("identity", false);
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn an_edition_is_kept_for_ever_and_no_other() {
        let check = |edition: &str, name: &str, expected: Option<&str>| {
            let answer = answer(edition, name, &HeaderMap::new());
            assert_eq!(answer.status() == 200, expected.is_some(), "{name}");
            let kept = answer.headers().get(CACHE_CONTROL).map(|kept| kept.to_str().unwrap());
            assert_eq!(kept, expected, "{edition} {name}");
        };
        check(&ALL.edition, "core/dom.js", Some("public, max-age=31536000, immutable"));
        check("0123", "core/dom.js", Some("no-store"));
        check(&ALL.edition, "core/../core/dom.js", None);
        check(&ALL.edition, "", None);
    }

    #[test]
    fn another_content_or_name_is_another_edition() {
        let edition = |sources: &[Source]| Assets::of(sources).edition;
        assert_ne!(edition(&[("a.js", b"1")]), edition(&[("a.js", b"2")]));
        assert_ne!(edition(&[("a.js", b"1")]), edition(&[("b.js", b"1")]));
    }

    /// With `trusted-types 'none'` a browser refuses these anyway; here it is found before.
    #[test]
    fn no_module_makes_markup_of_text() {
        for (name, bytes) in SOURCES.iter().filter(|(name, _)| name.ends_with(".js")) {
            let text = std::str::from_utf8(bytes).unwrap();
            for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
                assert!(!text.contains(way), "{name} uses {way}");
            }
        }
    }

    #[test]
    fn every_import_is_an_asset() {
        for (name, bytes) in SOURCES.iter().filter(|(name, _)| name.ends_with(".js")) {
            let text = std::str::from_utf8(bytes).unwrap();
            let folder = name.split_once('/').map_or("", |(folder, _)| folder);
            let froms = text.lines().filter(|line| line.starts_with("import") || line.starts_with("} from"));
            for path in froms.filter_map(|line| line.split('"').nth(1)) {
                let wanted = match path.strip_prefix("../") {
                    Some(elsewhere) => elsewhere.to_owned(),
                    None => format!("{folder}/{}", path.trim_start_matches("./")),
                };
                assert!(SOURCES.iter().any(|(other, _)| *other == wanted), "{name} imports {path}");
            }
        }
    }
}
