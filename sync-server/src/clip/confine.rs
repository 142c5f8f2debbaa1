//! Running the decoder so that it can do little else: no network, no writing, bounded memory and processor time, no
//! environment, killed when nobody waits for it any more.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use super::problem::ClipError;

/// Address space, bytes: the decoder with its libraries, and some frames of the largest size.
const MEMORY_BYTES: &str = "1610612736";
/// Processor time, seconds.
const CPU_S: &str = "25";
/// Open files: libraries are closed again when they are mapped.
const FILES: &str = "64";

/// How processes are confined on this machine.
#[derive(Debug, Default)]
pub(super) struct Confinement {
    /// Whether a process can be given a network of its own, with nothing in it. Found out once.
    unshares: OnceCell<bool>,
}

impl Confinement {
    /// Starts a program whose output is to be read.
    ///
    /// # Errors
    /// [`ClipError::NoDecoder`] if it is not installed.
    pub(super) async fn start(
        &self,
        program: &'static str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Child, ClipError> {
        let path = installed(program).ok_or(ClipError::NoDecoder(program))?;
        let limiter = installed("prlimit").ok_or(ClipError::NoDecoder("prlimit"))?;
        let mut command = match self.can_unshare().await {
            true => {
                let mut command = Command::new("unshare");
                command.args(["--user", "--net", "--ipc", "--"]).arg(limiter);
                command
            }
            false => Command::new(limiter),
        };
        command.arg(format!("--as={MEMORY_BYTES}")).arg(format!("--cpu={CPU_S}")).arg(format!("--nofile={FILES}"));
        // Pipes are no files: what it writes there is not limited by this.
        command.args(["--fsize=0", "--core=0", "--"]).arg(path).args(args);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
        // Its words are not kept: they may tell what is in the file.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        command.spawn().map_err(ClipError::Decoder)
    }

    /// Whether everything is installed.
    ///
    /// # Errors
    /// [`ClipError::NoDecoder`] names what is not.
    pub(super) fn is_able(&self) -> Result<(), ClipError> {
        let missing = ["ffmpeg", "ffprobe", "prlimit"].into_iter().find(|program| installed(program).is_none());
        missing.map_or(Ok(()), |program| Err(ClipError::NoDecoder(program)))
    }

    async fn can_unshare(&self) -> bool {
        let found = self.unshares.get_or_init(async || {
            let tried = Command::new("unshare").args(["--user", "--net", "--ipc", "--", "true"]).output().await;
            let can = tried.is_ok_and(|output| output.status.success());
            if !can {
                tracing::warn!(
                    "the clip decoder cannot be cut off the network on this machine (unshare is refused); it is still \
                     told to open nothing but its file"
                );
            }
            can
        });
        *found.await
    }
}

fn installed(program: &str) -> Option<std::path::PathBuf> {
    ["/usr/bin", "/bin", "/usr/local/bin"].iter().map(|dir| Path::new(dir).join(program)).find(|path| path.is_file())
}

/// Waits for the end, and says whether it was a good one.
pub(super) async fn ended_well(mut child: Child) -> io::Result<bool> {
    drop(child.stdout.take());
    Ok(child.wait().await?.success())
}
