//! What Mosquitto must be told so that it lets in whom Ostiary lets in: everybody by certificate, a device below its own
//! name only, and servers to everything below the root.
//!
//! Mosquitto can put the name of a certificate into a rule, but not the site: a device could publish below another site's
//! level under its own name. The server refuses that, as it refuses everything a broker lets through by mistake.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use ostiary_common::ids::{DeviceId, SiteId};
use ostiary_common::topics::{Channel, DeviceRoot, PREFIX};
use uuid::Uuid;

/// Messages of QoS 1 in flight to one client; a server asks for 1 024.
const IN_FLIGHT: u32 = 1_024;
/// Messages that wait for one client.
const WAITING: u32 = 100_000;
/// Largest packet, bytes.
const MAX_PACKET_BYTES: u32 = 1024 * 1024;

/// Where it listens.
pub struct Listeners {
    /// For devices.
    pub devices: SocketAddr,
    /// For servers and monitors; need not be reachable for devices.
    pub servers: SocketAddr,
}

/// The configuration file. `dir` is where the files lie when Mosquitto reads them.
#[must_use]
pub fn mosquitto_conf(at: &Listeners, dir: &Path, revoked: &Path) -> String {
    let dir = dir.display();
    let mut text = format!(
        "# Made by `ostiary-server broker mosquitto`; made anew, it is overwritten.\n\
         per_listener_settings false\nallow_anonymous false\nacl_file {dir}/acl\npersistence false\n\
         max_inflight_messages {IN_FLIGHT}\nmax_queued_messages {WAITING}\nmax_packet_size {MAX_PACKET_BYTES}\n\
         retain_available true\n"
    );
    let listener = |text: &mut String, at: SocketAddr, binds_ids: bool| {
        let _ = write!(
            text,
            "\nlistener {} {}\ncafile {dir}/ca.pem\ncertfile {dir}/broker.pem\nkeyfile {dir}/broker.key\n\
             crlfile {}\nrequire_certificate true\nuse_identity_as_username true\n{}",
            at.port(),
            at.ip(),
            revoked.display(),
            // A device cannot take another's connection from it by its client id.
            if binds_ids { "use_username_as_clientid true\n" } else { "" },
        );
    };
    listener(&mut text, at.devices, true);
    listener(&mut text, at.servers, false);
    text
}

/// The rules.
#[must_use]
pub fn mosquitto_acl(server: &str, monitor: &str) -> String {
    let mut text = format!("user {server}\ntopic readwrite {PREFIX}/#\n\nuser {monitor}\n");
    for channel in [Channel::Status, Channel::Info, Channel::Health, Channel::Seen] {
        let topic = pattern(&sample().topic(&channel)).replace("%u", "+");
        let _ = writeln!(text, "topic read {topic}");
    }
    text.push_str("\n# %u is the name in the device's certificate: its id.\n");
    let topics = [("write", sample().published_by_device()), ("read", sample().subscribed_by_device())];
    for (may, topics) in topics {
        // What lies outside the device's own root has its id in another form, which no rule can compare.
        for topic in topics.iter().map(|topic| pattern(topic)).filter(|topic| topic.contains("/%u/")) {
            let _ = writeln!(text, "pattern {may} {topic}");
        }
    }
    text
}

/// Some device's place, to have its topics written by the one who writes topics.
const fn sample() -> DeviceRoot {
    DeviceRoot { site: SiteId(Uuid::nil()), device: DeviceId(Uuid::max()) }
}

fn pattern(topic: &str) -> String {
    topic.replace(&Uuid::nil().to_string(), "+").replace(&Uuid::max().to_string(), "%u")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_write_and_read_below_their_own_name_only() {
        let acl = mosquitto_acl("srv", "mon");
        for line in [
            "user srv\ntopic readwrite ostiary/v1/#",
            "topic read ostiary/v1/+/+/seen",
            "pattern write ostiary/v1/+/%u/events\n",
            "pattern write ostiary/v1/+/%u/cmd/restart/result",
            "pattern read ostiary/v1/+/%u/events/ack",
            "pattern read ostiary/v1/+/%u/cmd/restart\n",
        ] {
            assert!(acl.contains(line), "{line} in {acl}");
        }
        assert!(!acl.contains("pattern readwrite"));
        assert!(acl.lines().filter(|line| line.starts_with("pattern")).all(|line| line.contains("/%u/")));
    }

    #[test]
    fn every_listener_asks_for_a_certificate() {
        let at = |port: u16| SocketAddr::from(([0, 0, 0, 0], port));
        let listeners = Listeners { devices: at(8883), servers: at(8884) };
        let text = mosquitto_conf(&listeners, Path::new("/etc/x"), Path::new("/var/lib/x/revoked.crl"));
        assert_eq!(text.matches("require_certificate true").count(), 2);
        assert_eq!(text.matches("crlfile /var/lib/x/revoked.crl").count(), 2);
        assert_eq!(text.matches("use_username_as_clientid").count(), 1);
        assert!(text.contains("listener 8883 0.0.0.0\n"));
    }
}
