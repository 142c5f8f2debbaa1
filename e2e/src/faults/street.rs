//! A street: each device in a network namespace of its own, all behind one router, which can spoil each door's link.
//!
//! The router is what makes it true to life: a packet dropped there vanishes for both ends, while one dropped where
//! it is sent would show as an error. The server stays where it is and listens on [`HOST`].

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::plan::Fault;

/// The server's address on the street.
pub const HOST: &str = "10.77.0.1";
/// Held as long as the street is open.
const LOCK: &str = "/run/ostiary-street.lock";
const ROUTER: &str = "ostiary-street";
/// The server's end of the line to the router.
const LINE: &str = "ostiary-line";

/// The namespaces and what connects them; gone when dropped.
#[derive(Debug)]
pub struct Street {
    doors: usize,
    /// There is one street on a machine, for its names and addresses are fixed.
    _only: File,
}

impl Street {
    /// Whether one can be opened here; if not, why.
    pub fn missing() -> Option<String> {
        let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if !root {
            return Some("only root may make network namespaces".into());
        }
        let lacks = |program: &&&str| Command::new(program).arg("-V").output().is_err();
        ["ip", "nft", "tc"].iter().find(lacks).map(|program| format!("`{program}` is not installed"))
    }

    /// Makes it, with so many doors.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn open(doors: usize) -> Result<Self> {
        fs::create_dir_all("/run/netns").context("making /run/netns")?;
        let only = File::create(LOCK).with_context(|| format!("making {LOCK}"))?;
        only.try_lock().context("another storm has the street")?;
        // What a killed run has left behind.
        close(doors);
        let street = Self { doors, _only: only };
        ip(&format!("netns add {ROUTER}"))?;
        ip(&format!("link add {LINE} type veth peer name line netns {ROUTER}"))?;
        ip(&format!("addr add {HOST}/30 dev {LINE}"))?;
        ip(&format!("link set dev {LINE} up"))?;
        ip(&format!("-n {ROUTER} addr add 10.77.0.2/30 dev line"))?;
        ip(&format!("-n {ROUTER} link set dev line up"))?;
        ip("route add 10.77.0.0/16 via 10.77.0.2")?;
        run("ip", &format!("netns exec {ROUTER} sysctl -qw net.ipv4.ip_forward=1"), "")?;
        (0..doors).try_for_each(add_door)?;
        Ok(street)
    }

    /// What to put before a command so that it runs behind a door.
    pub fn within(door: usize) -> Vec<OsString> {
        ["ip", "netns", "exec", &namespace(door)].map(OsString::from).to_vec()
    }

    /// Spoils a door's link; nothing if the fault is none of a link.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn spoil(door: usize, fault: Fault) -> Result<()> {
        match fault {
            Fault::Cut => drop_packets(door, ""),
            Fault::Loss(percent) => drop_packets(door, &format!("numgen random mod 100 < {percent}")),
            Fault::Slow(kbit) => {
                tc(&format!("qdisc replace dev {} root tbf rate {kbit}kbit burst 16k latency 2s", port(door)))
            }
            Fault::Unplug => ip(&format!("-n {ROUTER} link set dev {} down", port(door))),
            _ => Ok(()),
        }
    }

    /// Mends what [`Street::spoil`] did.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn mend(door: usize, fault: Fault) -> Result<()> {
        match fault {
            Fault::Cut | Fault::Loss(_) => nft(&format!("delete table inet {}", port(door))),
            Fault::Slow(_) => tc(&format!("qdisc del dev {} root", port(door))),
            Fault::Unplug => ip(&format!("-n {ROUTER} link set dev {} up", port(door))),
            _ => Ok(()),
        }
    }
}

impl Drop for Street {
    fn drop(&mut self) {
        close(self.doors);
    }
}

fn namespace(door: usize) -> String {
    format!("ostiary-door-{door}")
}

/// The router's end of a door's link.
fn port(door: usize) -> String {
    format!("door{door}")
}

fn add_door(door: usize) -> Result<()> {
    let (space, port, net) = (namespace(door), port(door), door + 1);
    ip(&format!("netns add {space}"))?;
    ip(&format!("-n {ROUTER} link add {port} type veth peer name near netns {space}"))?;
    ip(&format!("-n {ROUTER} addr add 10.77.{net}.1/30 dev {port}"))?;
    ip(&format!("-n {ROUTER} link set dev {port} up"))?;
    ip(&format!("-n {space} addr add 10.77.{net}.2/30 dev near"))?;
    ip(&format!("-n {space} link set dev near up"))?;
    ip(&format!("-n {space} link set dev lo up"))?;
    ip(&format!("-n {space} route add default via 10.77.{net}.1"))
}

/// Takes everything away that is there; what is not there is no error.
fn close(doors: usize) {
    let spaces = (0..doors).map(namespace).chain([ROUTER.to_owned()]);
    for space in spaces {
        let _ = quiet("ip", &format!("netns del {space}"));
    }
    // The kernel takes a namespace down after the command has returned; the line's near end may outlive it.
    let _ = quiet("ip", &format!("link del {LINE}"));
}

fn drop_packets(door: usize, which: &str) -> Result<()> {
    let port = port(door);
    nft(&format!(
        "table inet {port} {{\n chain forward {{\n  type filter hook forward priority 0;\n  \
         iifname \"{port}\" {which} drop\n  oifname \"{port}\" {which} drop\n }}\n}}\n"
    ))
}

fn ip(args: &str) -> Result<()> {
    run("ip", args, "")
}

fn tc(args: &str) -> Result<()> {
    run("ip", &format!("netns exec {ROUTER} tc {args}"), "")
}

fn nft(rules: &str) -> Result<()> {
    run("ip", &format!("netns exec {ROUTER} nft -f -"), rules)
}

fn quiet(program: &str, args: &str) -> Result<bool> {
    let mut command = Command::new(program);
    command.args(args.split(' ')).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.status()?.success())
}

/// Runs a command that is given `input`; its complaint is in the error.
fn run(program: &str, args: &str, input: &str) -> Result<()> {
    let line = format!("{program} {args}");
    let mut command = Command::new(program);
    command.args(args.split(' ')).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting `{line}`"))?;
    let mut stdin = child.stdin.take().context("a pipe was asked for")?;
    stdin.write_all(input.as_bytes()).with_context(|| format!("writing to `{line}`"))?;
    drop(stdin);
    let output = child.wait_with_output().with_context(|| format!("waiting for `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
