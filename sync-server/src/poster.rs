//! Messages to other programs over HTTP, which must not make this server speak to what only it can reach.
//!
//! The name is looked up here, every address it has is judged (`addresses`), and the connection goes to one of those
//! judged: a name that means something else a moment later means nothing here. Redirects are not followed, no proxy of
//! the environment is used, answers are not read beyond their status.

mod addresses;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

use self::addresses::is_public;
use crate::ports::poster::{Post, PostError, Poster};

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest address.
const MAX_URL_CHARS: usize = 1_000;

/// Speaks HTTP to addresses that are public, or that the configuration allows.
pub struct HttpPoster {
    allowed: Vec<IpNet>,
}

/// An address taken apart.
struct Target {
    url: Url,
    host: String,
    port: u16,
}

impl HttpPoster {
    /// With networks of one's own that may be spoken to.
    #[must_use]
    pub const fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    fn target(&self, url: &str) -> Result<Target, PostError> {
        let refused = |why: &str| PostError::Refused(why.to_owned());
        if url.chars().count() > MAX_URL_CHARS {
            return Err(refused("the address is longer than 1000 characters"));
        }
        let url = Url::parse(url).map_err(|_| refused("this is no address as `https://example.org/hook`"))?;
        let plain = url.scheme() == "http" && !self.allowed.is_empty();
        if url.scheme() != "https" && !plain {
            return Err(refused("the address must begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("the address must not hold a user name or password"));
        }
        let host = url.host_str().ok_or_else(|| refused("the address has no host"))?.to_owned();
        let port = url.port_or_known_default().ok_or_else(|| refused("the address has no port"))?;
        Ok(Target { host: host.trim_matches(['[', ']']).to_owned(), port, url })
    }

    fn is_allowed(&self, ip: IpAddr, is_plain: bool) -> bool {
        let ip = ip.to_canonical();
        let own = self.allowed.iter().any(|network| network.contains(&ip));
        own || (!is_plain && is_public(ip))
    }

    /// Where the connection goes: addresses of the host, each of which may be spoken to.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, PostError> {
        let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|_| PostError::Later("the host is not found".into()))?.collect();
        let is_plain = target.url.scheme() == "http";
        match found.iter().find(|address| !self.is_allowed(address.ip(), is_plain)) {
            Some(_) => Err(PostError::Refused(
                "the host is at an address that webhooks may not go to; see notify.webhook_networks".into(),
            )),
            None if found.is_empty() => Err(PostError::Later("the host is not found".into())),
            None => Ok(found),
        }
    }
}

#[async_trait]
impl Poster for HttpPoster {
    fn check(&self, url: &str) -> Result<(), PostError> {
        let target = self.target(url)?;
        match target.host.parse::<IpAddr>() {
            Ok(ip) if !self.is_allowed(ip, target.url.scheme() == "http") => Err(PostError::Refused(
                "webhooks may not go to this address; see notify.webhook_networks in the configuration".into(),
            )),
            _ => Ok(()),
        }
    }

    async fn post(&self, post: Post) -> Result<(), PostError> {
        let target = self.target(&post.url)?;
        let addresses = self.addresses(&target).await?;
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent(concat!("ostiary-server/", env!("CARGO_PKG_VERSION")))
            .resolve_to_addrs(&target.host, &addresses)
            .build()
            .map_err(|e| PostError::Later(e.without_url().to_string()))?;
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        for (name, value) in post.headers {
            let value =
                HeaderValue::from_str(&value).map_err(|_| PostError::Refused(format!("{name} is no header")))?;
            headers.insert(name, value);
        }
        let request = client.post(target.url).headers(headers).body(post.body);
        let answer = request.send().await.map_err(|e| PostError::Later(why(&e.without_url())))?;
        judge(answer.status())
    }
}

/// The innermost reason, which says what happened; the outer ones say that a request failed.
fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn judge(status: StatusCode) -> Result<(), PostError> {
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::GONE => Err(PostError::Gone("the receiver answered 410: it wants no more".into())),
        StatusCode::NOT_FOUND => Err(PostError::Missing("the receiver answered 404".into())),
        status if status.is_redirection() => {
            Err(PostError::Refused(format!("the receiver answered {}: redirects are not followed", status.as_u16())))
        }
        status => Err(PostError::Later(format!("the receiver answered {}", status.as_u16()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_before_they_are_called() {
        let check = |allowed: &[&str], url: &str, expected: bool| {
            let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(HttpPoster::new(allowed).check(url).is_ok(), expected, "{url}");
        };
        check(&[], "https://hooks.example/x?token=1", true);
        check(&[], "http://hooks.example/x", false);
        check(&[], "ftp://hooks.example/x", false);
        check(&[], "hooks.example", false);
        check(&[], "https://me:secret@hooks.example/", false);
        check(&[], "https://127.0.0.1/", false);
        check(&[], "https://[::1]/", false);
        check(&[], "https://[::ffff:10.0.0.1]/", false);
        check(&[], "https://2130706433/", false);
        check(&[], "https://169.254.169.254/latest/meta-data", false);
        check(&["10.0.0.0/8"], "https://10.1.2.3/", true);
        check(&["10.0.0.0/8"], "http://10.1.2.3/", true);
        check(&["10.0.0.0/8"], "http://1.1.1.1/", false);
        check(&["10.0.0.0/8"], "https://192.168.0.1/", false);
        check(&[], &format!("https://hooks.example/{}", "x".repeat(1_000)), false);
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_means() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let post = Post { url: "https://localhost:9/".into(), headers: Vec::new(), body: "{}".into() };
        let refused = HttpPoster::new(Vec::new()).post(post.clone()).await.unwrap_err();
        assert!(matches!(&refused, PostError::Refused(why) if why.contains("webhook_networks")), "{refused}");
        let own = HttpPoster::new(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        assert!(matches!(own.post(post).await.unwrap_err(), PostError::Later(_)), "nobody listens there");
    }
}
