//! `[http]`: who is believed, which pages may use the API, and what is shown to browsers.

use axum::http::Uri;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// The header in which trusted proxies say whom they speak for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, what most proxies set.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// A page of another origin that may use the API from a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorsOrigin {
    /// As browsers send it: `https://intranet.example`, with the port if it is not 443.
    pub origin: String,
    /// Whether it may use a signed-in person's cookies.
    #[serde(default)]
    pub credentials: bool,
}

/// The edge towards browsers and proxies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Networks of the proxies in front.
    pub trusted_proxies: Vec<IpNet>,
    /// Which header of theirs counts.
    pub forwarded_header: ForwardedHeader,
    /// Other origins; nobody's by default.
    pub cors: Vec<CorsOrigin>,
    /// Connections at once.
    pub max_connections: usize,
    /// A certificate for browsers, PEM with its chain; empty for none beside the server's own.
    pub certificate_file: String,
    /// Its key, PEM.
    pub key_file: String,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            cors: Vec::new(),
            max_connections: 20_000,
            certificate_file: String::new(),
            key_file: String::new(),
        }
    }
}

impl HttpConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if let Some(everybody) = self.trusted_proxies.iter().find(|net| net.prefix_len() == 0) {
            return Err(not_allowed("http.trusted_proxies", everybody, "must name proxies, not everybody"));
        }
        if let Some(page) = self.cors.iter().find(|page| !is_origin(&page.origin)) {
            let allowed = "must be an origin as browsers send it, like https://intranet.example: lower case, without \
                path, slash at the end or wildcard; http:// only for localhost";
            return Err(not_allowed("http.cors", &page.origin, allowed));
        }
        if !(1..=1_000_000).contains(&self.max_connections) {
            return Err(not_allowed("http.max_connections", self.max_connections, "must be 1 to 1000000"));
        }
        if self.certificate_file.is_empty() != self.key_file.is_empty() {
            return Err(not_allowed(
                "http.certificate_file",
                &self.certificate_file,
                "goes together with http.key_file",
            ));
        }
        Ok(())
    }
}

/// Whether it is what a browser would send, letter by letter: it is compared so.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(host), Some(authority)) = (uri.scheme_str(), uri.host(), uri.authority()) else {
        return false;
    };
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let default_port = match scheme {
        "https" => 443,
        "http" if is_local => 80,
        _ => return false,
    };
    let plain = !authority.as_str().contains(['@', '*']) && authority.port_u16() != Some(default_port);
    plain && text == format!("{scheme}://{authority}") && text == text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send() {
        let check = |text: &str, expected: bool| assert_eq!(is_origin(text), expected, "{text}");
        check("https://intranet.example", true);
        check("https://intranet.example:8443", true);
        check("https://[fd00::1]:8443", true);
        check("http://localhost:5173", true);
        check("http://intranet.example", false);
        check("https://intranet.example/", false);
        check("https://intranet.example/panel", false);
        check("https://intranet.example:443", false);
        check("https://Intranet.example", false);
        check("https://*.example", false);
        check("https://user@intranet.example", false);
        check("intranet.example", false);
        check("null", false);
        check("*", false);
        check("", false);
    }
}
