//! `[mail]`: the server that takes messages to people.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};
use crate::domain::account::Email;

/// How the connection to the mail server is guarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// TLS from the first byte (port 465).
    #[default]
    Implicit,
    /// STARTTLS, demanded (port 587).
    Starttls,
    /// None: only for a server on this machine.
    None,
}

/// The server that takes messages to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Host of the mail server; empty: no mail, links are shown to whoever made them.
    pub smtp_host: String,
    /// Its port; 0: 465 or 587 by `tls`.
    pub smtp_port: u16,
    /// How the connection is guarded.
    pub tls: MailTls,
    /// CA of the mail server, PEM; empty: those of the system.
    pub ca_file: String,
    /// User name; empty: none is asked for.
    pub username: String,
    /// File with the password on its first line.
    pub password_file: String,
    /// Sender's address.
    pub from: String,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            smtp_host: String::new(),
            smtp_port: 0,
            tls: MailTls::Implicit,
            ca_file: String::new(),
            username: String::new(),
            password_file: String::new(),
            from: String::new(),
        }
    }
}

impl MailConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !self.is_configured() {
            return Ok(());
        }
        if Email::parse(&self.from).is_err() {
            return Err(not_allowed("mail.from", &self.from, "must be an e-mail address, since mail.smtp_host is set"));
        }
        if self.tls == MailTls::None && !is_loopback(&self.smtp_host) {
            return Err(not_allowed("mail.tls", "none", "may be none only for a server on this machine (127.0.0.1)"));
        }
        if self.username.is_empty() != self.password_file.is_empty() {
            let allowed = "must be set together with mail.username";
            return Err(not_allowed("mail.password_file", &self.password_file, allowed));
        }
        Ok(())
    }

    /// Whether there is a mail server.
    pub fn is_configured(&self) -> bool {
        !self.smtp_host.is_empty()
    }

    /// The port to connect to.
    pub const fn port(&self) -> u16 {
        match (self.smtp_port, self.tls) {
            (0, MailTls::Implicit) => 465,
            (0, MailTls::Starttls) => 587,
            (0, MailTls::None) => 25,
            (port, _) => port,
        }
    }

    /// Where the password lies.
    pub fn password_path(&self) -> Option<PathBuf> {
        (!self.password_file.is_empty()).then(|| PathBuf::from(&self.password_file))
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
