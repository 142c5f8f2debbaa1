//! A real mail server of our own (Debian package `python3-aiosmtpd`): TLS from the first byte, a password, and a folder
//! that messages land in.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ostiary_server::config::{MailConfig, MailTls};
use tempfile::TempDir;

const PROGRAM: &str = r#"
import pathlib, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
folder, chain, key = sys.argv[1:4]
class Keep:
    async def handle_DATA(self, server, session, envelope):
        if "refused" in envelope.rcpt_tos[0]:
            return "550 no such mailbox"
        name = pathlib.Path(folder) / f"{time.time_ns()}"
        name.with_suffix(".tmp").write_bytes(envelope.content)
        name.with_suffix(".tmp").rename(name.with_suffix(".eml"))
        return "250 taken"
def check(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"ostiary" and data.password == b"letter box")
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(chain, key)
mail = Controller(Keep(), hostname="127.0.0.1", port=int(sys.argv[4]), ssl_context=tls, authenticator=check,
    auth_required=True, auth_require_tls=False)
mail.start()
print("ready", flush=True)
sys.stdin.read()
"#;

pub struct MailServer {
    process: Child,
    folder: PathBuf,
    dir: TempDir,
    port: u16,
}

impl MailServer {
    /// `None`, said aloud, where it is not installed.
    pub fn start() -> Option<Self> {
        let probe = Command::new("python3").args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        if !probe.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: no mail server is installed (Debian package `python3-aiosmtpd`)");
            return None;
        }
        let dir = tempfile::tempdir().expect("the mail server of the tests works");
        let folder = dir.path().join("mail");
        std::fs::create_dir(&folder).expect("the mail server of the tests works");
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])
            .expect("the mail server of the tests works");
        std::fs::write(dir.path().join("chain.pem"), made.cert.pem()).expect("the mail server of the tests works");
        std::fs::write(dir.path().join("key.pem"), made.signing_key.serialize_pem())
            .expect("the mail server of the tests works");
        std::fs::write(dir.path().join("password"), "letter box\n").expect("the mail server of the tests works");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .expect("the mail server of the tests works")
            .local_addr()
            .expect("the mail server of the tests works")
            .port();
        let mut process = Command::new("python3")
            .args(["-c", PROGRAM])
            .arg(&folder)
            .args(["chain.pem", "key.pem"].map(|name| dir.path().join(name)))
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the mail server of the tests works");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("the mail server of the tests works"))
            .read_line(&mut line)
            .expect("the mail server of the tests works");
        assert_eq!(line.trim(), "ready");
        Some(Self { process, folder, dir, port })
    }

    /// How a server reaches it.
    pub fn config(&self) -> MailConfig {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        MailConfig {
            smtp_host: "127.0.0.1".into(),
            smtp_port: self.port,
            tls: MailTls::Implicit,
            ca_file: path("chain.pem"),
            username: "ostiary".into(),
            password_file: path("password"),
            from: "ostiary@example.org".into(),
        }
    }

    /// The next message, waited for; what was read is taken out of the folder.
    pub async fn next(&self) -> String {
        let waiting = async {
            loop {
                if let Some(path) = oldest(&self.folder) {
                    let text = String::from_utf8(std::fs::read(&path).expect("the mail server of the tests works"))
                        .expect("the mail server of the tests works");
                    std::fs::remove_file(path).expect("the mail server of the tests works");
                    return text;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("a message")
    }

    /// Whether a message is there.
    pub fn is_empty(&self) -> bool {
        oldest(&self.folder).is_none()
    }
}

fn oldest(folder: &Path) -> Option<PathBuf> {
    let paths = std::fs::read_dir(folder)
        .expect("the mail server of the tests works")
        .map(|entry| entry.expect("the mail server of the tests works").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml")).min()
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
