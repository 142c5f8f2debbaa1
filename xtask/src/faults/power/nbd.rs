//! A [`Platter`] as a network block device on a Unix socket, as qemu's `nbd:` speaks it.
//!
//! Protocol: <https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md>, fixed newstyle, no TLS, one client
//! at a time.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::platter::Platter;
use crate::random::Random;

const GREETING: &[u8; 16] = b"NBDMAGICIHAVEOPT";
const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
const REQUEST: u32 = 0x2560_9513;
const REPLY: u32 = 0x6744_6698;
/// Fixed newstyle, no padding after the export.
const HANDSHAKE_FLAGS: u16 = 0b11;
/// Flags are meant; flush and forced writes are known.
const EXPORT_FLAGS: u16 = 0b1101;
const INVALID: u32 = 22;
/// The largest write taken, bytes.
const MAX_WRITE: u32 = 32 << 20;

/// A disk being served.
pub struct Server {
    socket: PathBuf,
    platter: Arc<Mutex<Platter>>,
    /// Clients that came and went.
    ended: Arc<AtomicU64>,
    begun: Arc<AtomicU64>,
}

impl Server {
    /// Serves a disk that holds `content`.
    ///
    /// # Errors
    /// If the socket cannot be made.
    pub fn start(socket: &Path, content: Vec<u8>) -> Result<Self> {
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).with_context(|| format!("listening on {}", socket.display()))?;
        let platter = Arc::new(Mutex::new(Platter::new(content)));
        let (ended, begun) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let server = Self { socket: socket.to_owned(), platter, ended, begun };
        let (platter, ended, begun) =
            (Arc::clone(&server.platter), Arc::clone(&server.ended), Arc::clone(&server.begun));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                begun.fetch_add(1, Ordering::SeqCst);
                // A client that is killed ends in the middle of whatever it said.
                let _ = serve(client, &platter);
                ended.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(server)
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The client was killed: takes in what it had still sent, then cuts the power.
    ///
    /// # Errors
    /// If the client is still there.
    pub fn cut(&self, random: &mut Random) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(10);
        while self.ended.load(Ordering::SeqCst) < self.begun.load(Ordering::SeqCst) {
            ensure!(Instant::now() < until, "the machine still holds its disk");
            std::thread::sleep(Duration::from_millis(1));
        }
        lock(&self.platter).cut(random);
        Ok(())
    }

    /// Bytes written and flushes so far.
    pub fn written(&self) -> (u64, u64) {
        let platter = lock(&self.platter);
        (platter.written_bytes, platter.flushes)
    }
}

fn lock(platter: &Mutex<Platter>) -> MutexGuard<'_, Platter> {
    platter.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut client: UnixStream, platter: &Mutex<Platter>) -> std::io::Result<()> {
    client.write_all(GREETING)?;
    client.write_all(&HANDSHAKE_FLAGS.to_be_bytes())?;
    take::<4>(&mut client)?;
    let size_bytes = lock(platter).len();
    while !agree(&mut client, size_bytes)? {}
    while answer(&mut client, platter)? {}
    Ok(())
}

fn take<const N: usize>(client: &mut UnixStream) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Answers one option; whether the talk about options is over.
fn agree(client: &mut UnixStream, size_bytes: u64) -> std::io::Result<bool> {
    const EXPORT_NAME: u32 = 1;
    const INFO: u32 = 6;
    const GO: u32 = 7;
    take::<8>(client)?;
    let option = u32::from_be_bytes(take(client)?);
    let length = u32::from_be_bytes(take(client)?);
    std::io::copy(&mut Read::by_ref(client).take(u64::from(length)), &mut std::io::sink())?;
    let export = [&size_bytes.to_be_bytes()[..], &EXPORT_FLAGS.to_be_bytes()].concat();
    match option {
        EXPORT_NAME => client.write_all(&export)?,
        GO | INFO => {
            reply(client, option, 3, &[&[0, 0], &export[..]].concat())?;
            reply(client, option, 1, &[])?;
        }
        _ => reply(client, option, 0x8000_0001, &[])?,
    }
    Ok(matches!(option, EXPORT_NAME | GO))
}

fn reply(client: &mut UnixStream, option: u32, kind: u32, data: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(data.len()).unwrap_or(0);
    let head = [&OPTION_REPLY.to_be_bytes()[..], &option.to_be_bytes(), &kind.to_be_bytes(), &length.to_be_bytes()];
    client.write_all(&[head.concat(), data.to_vec()].concat())
}

/// Does one request; whether there will be more.
fn answer(client: &mut UnixStream, platter: &Mutex<Platter>) -> std::io::Result<bool> {
    let head: [u8; 28] = take(client)?;
    let field = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if field(0) != REQUEST {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let (flags, kind, length) = (field(4) >> 16, field(4) & 0xffff, field(24));
    let at = u64::from(field(16)) << 32 | u64::from(field(20));
    let (fault, data) = match kind {
        0 => match lock(platter).read(at, length) {
            Some(bytes) => (0, bytes.to_vec()),
            None => (INVALID, Vec::new()),
        },
        1 if length <= MAX_WRITE => {
            let mut bytes = vec![0; length as usize];
            client.read_exact(&mut bytes)?;
            let within = lock(platter).write(at, bytes, flags & 1 == 1);
            (if within { 0 } else { INVALID }, Vec::new())
        }
        2 => return Ok(false),
        3 => {
            lock(platter).flush();
            (0, Vec::new())
        }
        _ => (INVALID, Vec::new()),
    };
    let mut response = [&REPLY.to_be_bytes()[..], &fault.to_be_bytes(), &head[8..16]].concat();
    response.extend(data);
    client.write_all(&response)?;
    Ok(true)
}
