//! Links with a secret in them. It stands behind a `#`, which browsers keep to themselves: it reaches no server's log,
//! no proxy and no other site.

use zeroize::Zeroizing;

use crate::config::Config;

/// Makes links to this server.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
}

impl Links {
    /// By the configuration; `port` is the one listened on.
    pub fn new(config: &Config, port: u16) -> Self {
        if !config.accounts.public_url.is_empty() {
            return Self { base: config.accounts.public_url.clone() };
        }
        let name = config.server.public_names.first().map_or("localhost", String::as_str);
        let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
        let base = if port == 443 { format!("https://{host}") } else { format!("https://{host}:{port}") };
        Self { base }
    }

    /// To a path of this server, which begins with `/` and holds no secret.
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// To accept an invitation.
    pub fn invitation(&self, secret: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{}/accept#{secret}", self.base))
    }

    /// To choose a new password.
    pub fn password_reset(&self, secret: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{}/new-password#{secret}", self.base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_with_what_the_server_is_called() {
        let check = |names: &[&str], public_url: &str, port, expected: &str| {
            let mut config = Config::default();
            config.server.public_names = names.iter().map(|name| (*name).to_owned()).collect();
            config.accounts.public_url = public_url.to_owned();
            assert_eq!(*Links::new(&config, port).invitation("s"), format!("{expected}/accept#s"));
        };
        check(&[], "", 8443, "https://localhost:8443");
        check(&["doors.example", "10.0.0.1"], "", 443, "https://doors.example");
        check(&["fd00::1"], "", 8443, "https://[fd00::1]:8443");
        check(&["doors.example"], "https://panel.example/doors", 8443, "https://panel.example/doors");
    }
}
