//! Whose request it is when proxies stand in front.
//!
//! A proxy adds to a header whom it speaks for; whatever the client itself wrote there stands further left. Read from
//! the right, the first address that is none of the trusted proxies' is the client: what stands left of it is only the
//! client's word.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HeaderName};
use ipnet::IpNet;

use crate::config::{ForwardedHeader, HttpConfig};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Proxies in a row; what stands further left is not looked at.
const MAX_HOPS: usize = 16;

/// Which proxies are believed, and which header of theirs.
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
}

impl TrustedProxies {
    /// As configured.
    pub fn new(config: &HttpConfig) -> Self {
        Self { networks: config.trusted_proxies.clone(), header: config.forwarded_header }
    }

    /// The client's address: the connection's, or what trusted proxies say it is. An address out of a header comes
    /// with port 0 if none is told.
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.is_trusted(peer.ip()) {
            return peer;
        }
        let name = match self.header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => FORWARDED,
        };
        // Several lines of a header are one list.
        let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        let mut client = peer;
        for hop in lines.iter().rev().flat_map(|line| self.hops(line).into_iter().rev()).take(MAX_HOPS) {
            // Hidden or garbled: the proxy that wrote it is as near as one comes.
            let Some(address) = hop else { return client };
            client = address;
            if !self.is_trusted(client.ip()) {
                return client;
            }
        }
        client
    }

    fn is_trusted(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(&ip))
    }

    /// The addresses of a line, left to right; nothing where there is none.
    fn hops(&self, line: &str) -> Vec<Option<SocketAddr>> {
        match self.header {
            ForwardedHeader::XForwardedFor => line.split(',').map(|hop| address(hop.trim())).collect(),
            ForwardedHeader::Forwarded => split_unquoted(line, ',').map(forwarded_for).collect(),
        }
    }
}

/// The `for` of an element of `Forwarded`: `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<SocketAddr> {
    let pairs = split_unquoted(element, ';').filter_map(|pair| pair.trim().split_once('='));
    let mut told = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for"));
    let (_, node) = told.next()?;
    // Twice is not allowed, and which one counts would be a guess.
    if told.next().is_some() {
        return None;
    }
    address(node.trim_matches('"'))
}

/// Cuts at a separator that stands outside of quotes.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().map(|ip| SocketAddr::new(ip, 0)).or_else(|_| text.parse::<SocketAddr>()).ok()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies(header: ForwardedHeader) -> TrustedProxies {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).to_vec();
        TrustedProxies { networks, header }
    }

    fn client(header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for (name, text) in lines.iter().filter_map(|line| line.split_once(": ")) {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(text).unwrap());
        }
        proxies(header).client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_right_most_address_that_is_no_proxys_counts() {
        let check = |peer: &str, lines: &[&str], expected: &str| {
            assert_eq!(client(ForwardedHeader::XForwardedFor, peer, lines), expected, "{peer} {lines:?}");
        };
        check("192.0.2.9:5", &[], "192.0.2.9:5");
        check("192.0.2.9:5", &["x-forwarded-for: 203.0.113.1"], "192.0.2.9:5");
        check("10.0.0.1:5", &[], "10.0.0.1:5");
        check("10.0.0.1:5", &["x-forwarded-for: 203.0.113.1"], "203.0.113.1:0");
        check("10.0.0.1:5", &["x-forwarded-for: 203.0.113.1:4711"], "203.0.113.1:4711");
        check("10.0.0.1:5", &["x-forwarded-for: 1.1.1.1, 203.0.113.1, 10.0.0.2"], "203.0.113.1:0");
        check("10.0.0.1:5", &["x-forwarded-for: 1.1.1.1", "x-forwarded-for: 203.0.113.1"], "203.0.113.1:0");
        check("10.0.0.1:5", &["x-forwarded-for: 10.0.0.3, 10.0.0.2"], "10.0.0.3:0");
        check("10.0.0.1:5", &["x-forwarded-for: 203.0.113.1, unknown, 10.0.0.2"], "10.0.0.2:0");
        check("10.0.0.1:5", &["x-forwarded-for: 203.0.113.1,"], "10.0.0.1:5");
        check("10.0.0.1:5", &["x-forwarded-for: 2001:db8::1"], "[2001:db8::1]:0");
        check("10.0.0.1:5", &["x-forwarded-for: [2001:db8::1]:443"], "[2001:db8::1]:443");
        check("[fd00::1]:5", &["x-forwarded-for: 203.0.113.1"], "203.0.113.1:0");
        check("[::ffff:10.0.0.1]:5", &["x-forwarded-for: ::ffff:203.0.113.1"], "203.0.113.1:0");
        check("10.0.0.1:5", &["forwarded: for=1.1.1.1", "x-forwarded-for: 203.0.113.1"], "203.0.113.1:0");
        let long = format!("x-forwarded-for: 203.0.113.1{}", ", 10.0.0.2".repeat(100));
        check("10.0.0.1:5", &[&long], "10.0.0.2:0");
    }

    #[test]
    fn forwarded_is_read_with_its_quotes() {
        let check = |line: &str, expected: &str| {
            let found = client(ForwardedHeader::Forwarded, "10.0.0.1:5", &[&format!("forwarded: {line}")]);
            assert_eq!(found, expected, "{line}");
        };
        check("for=203.0.113.1", "203.0.113.1:0");
        check("For=\"203.0.113.1:80\";proto=https;by=10.0.0.1", "203.0.113.1:80");
        check("for=1.1.1.1, proto=https; for=\"[2001:db8::1]:4711\"", "[2001:db8::1]:4711");
        check("for=203.0.113.1, for=10.0.0.2;host=\"a,b;for=9.9.9.9\"", "203.0.113.1:0");
        check("for=_hidden", "10.0.0.1:5");
        check("for=unknown, for=10.0.0.2", "10.0.0.2:0");
        check("proto=https", "10.0.0.1:5");
        check("for=1.1.1.1;for=2.2.2.2", "10.0.0.1:5");
        check("x-forwarded-for", "10.0.0.1:5");
    }

    proptest! {
        #[test]
        fn whatever_a_client_writes_the_proxys_word_counts(written in "[ -~]{0,200}") {
            // What a proxy sends on: the client's own words, then whom the proxy speaks for.
            let line = format!("x-forwarded-for: {written}, 203.0.113.1");
            prop_assert_eq!(client(ForwardedHeader::XForwardedFor, "10.0.0.1:5", &[&line]), "203.0.113.1:0");
        }

        #[test]
        fn no_line_makes_it_fall(written in "[ -~]{0,200}") {
            client(ForwardedHeader::Forwarded, "10.0.0.1:5", &[&format!("forwarded: {written}")]);
        }
    }
}
