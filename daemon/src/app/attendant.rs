//! Commands that take longer than a message, done one after the other on a thread of their own.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use ostiary_common::topics::CommandKind;
use ostiary_common::wire::{Attachment, Command, CommandResult, CommandStatus, MAX_ATTACHMENT_BYTES};

use super::{bundle, snapshot};
use crate::config::{self, Config};
use crate::domain::commands::result;
use crate::ports::{Attendant, Attended};
use crate::selftest;
use crate::shared::Shared;
use crate::telemetry::log_lines;

/// Commands that wait. Full means somebody asks faster than a board answers: refused.
const QUEUE: usize = 4;
/// How long the log stays at another level, minutes.
const LEVEL_MINUTES: std::ops::RangeInclusive<u32> = 1..=60;

/// The desk commands are handed in at.
pub struct Desk {
    orders: Sender<(CommandKind, Command)>,
    done: Receiver<Attended>,
    refused: Vec<Attended>,
    shared: Arc<Shared>,
}

/// Starts the thread; it ends with the desk.
///
/// # Errors
/// If it cannot be started.
pub fn spawn(shared: &Arc<Shared>, config: &Arc<Config>) -> std::io::Result<Desk> {
    let ((orders, work), (answers, done)) = (bounded(QUEUE), bounded(QUEUE + 1));
    let clerk = Clerk { shared: Arc::clone(shared), config: Arc::clone(config) };
    std::thread::Builder::new().name("attendant".into()).spawn(move || clerk.run(&work, &answers))?;
    Ok(Desk { orders, done, refused: Vec::new(), shared: Arc::clone(shared) })
}

impl Attendant for Desk {
    fn begin(&mut self, kind: CommandKind, command: Command) {
        let id = command.id;
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.orders.try_send((kind, command)) {
            let words = "busy with other commands: try again in a minute";
            let result = result(id, CommandStatus::Refused, words);
            self.refused.push(Attended { kind, result, restart: false });
            self.shared.outbox_changed.notify_one();
        }
    }

    fn finished(&mut self) -> Option<Attended> {
        self.refused.pop().or_else(|| self.done.try_recv().ok())
    }
}

struct Clerk {
    shared: Arc<Shared>,
    config: Arc<Config>,
}

/// What came of a command: words, perhaps something to carry, perhaps a wish to start again.
struct Outcome {
    words: String,
    attachment: Option<Attachment>,
    restart: bool,
}

impl From<String> for Outcome {
    fn from(words: String) -> Self {
        Self { words, attachment: None, restart: false }
    }
}

impl Clerk {
    fn run(&self, work: &Receiver<(CommandKind, Command)>, answers: &Sender<Attended>) {
        for (kind, command) in work {
            let attended = self.attend(kind, &command);
            if answers.send(attended).is_err() {
                return;
            }
            // Whoever talks to the server looks for answers when it is woken.
            self.shared.outbox_changed.notify_one();
        }
    }

    fn attend(&self, kind: CommandKind, command: &Command) -> Attended {
        match self.outcome(kind, command) {
            Ok(Outcome { words, attachment, restart }) => {
                let result = CommandResult { attachment, ..result(command.id, CommandStatus::Done, &words) };
                Attended { kind, result, restart }
            }
            Err(why) => Attended { kind, result: result(command.id, CommandStatus::Refused, &why), restart: false },
        }
    }

    fn outcome(&self, kind: CommandKind, command: &Command) -> Result<Outcome, String> {
        match kind {
            CommandKind::Snapshot => {
                let data = snapshot::take(&self.shared, &self.config, MAX_ATTACHMENT_BYTES)?;
                Ok(carrying("a picture of what the camera sees now", "image/jpeg", data))
            }
            CommandKind::SelfTest => Ok(selftest::run(&self.shared, &self.config).to_string().into()),
            CommandKind::Diagnostics => {
                let data = bundle::pack(&self.shared, &self.config, MAX_ATTACHMENT_BYTES)?;
                Ok(carrying("figures, settings and the last log lines", "application/gzip", data))
            }
            CommandKind::Reload => reload(self.config.origin.clone()),
            CommandKind::LogLevel => self.log_level(command).map(Outcome::from),
            CommandKind::Resync | CommandKind::Identify | CommandKind::Restart | CommandKind::Reset => {
                Err("is done elsewhere".into())
            }
        }
    }

    fn log_level(&self, command: &Command) -> Result<String, String> {
        let level = command.level.as_deref().unwrap_or("debug");
        if !["error", "warn", "info", "debug", "trace"].contains(&level) {
            return Err(format!("level {level}: allowed is error, warn, info, debug or trace"));
        }
        let minutes = command.minutes.unwrap_or(15);
        if !LEVEL_MINUTES.contains(&minutes) {
            return Err(format!("minutes {minutes}: allowed is 1 to 60"));
        }
        log_lines::set_level(level)?;
        let usual = self.config.log.level.clone();
        let back = move || {
            std::thread::sleep(std::time::Duration::from_secs(u64::from(minutes) * 60));
            if let Err(error) = log_lines::set_level(&usual) {
                tracing::warn!("the log stays at its level: {error}");
            }
        };
        std::thread::Builder::new().name("log-level".into()).spawn(back).map_err(|error| error.to_string())?;
        Ok(format!("logging at {level} for {minutes} min"))
    }
}

fn carrying(words: &str, media_type: &str, data: Vec<u8>) -> Outcome {
    let attachment = Attachment { media_type: media_type.to_owned(), data: data.into() };
    Outcome { words: words.to_owned(), attachment: Some(attachment), restart: false }
}

/// A configuration that can be used is used from the next start on, which is now; another leaves everything as it is.
fn reload(origin: Option<PathBuf>) -> Result<Outcome, String> {
    let path = origin.ok_or("there is no configuration file")?;
    config::load(Some(&path)).map_err(|error| error.to_string())?;
    let words = "the configuration is valid: the program starts again with it".to_owned();
    Ok(Outcome { restart: true, ..words.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shared;
    use ostiary_common::ids::MsgId;
    use ostiary_common::time::UnixMillis;

    fn command() -> Command {
        Command::new(MsgId::generate(), UnixMillis(i64::MAX))
    }

    #[test]
    fn what_is_not_allowed_or_not_possible_is_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let config = Arc::new(Config::default());
        let clerk = Clerk { shared: shared(dir.path(), &config).0, config };
        let check = |kind: CommandKind, command: Command, expected: &str| {
            let Attended { result, restart, .. } = clerk.attend(kind, &command);
            assert!(result.status == CommandStatus::Refused && !restart, "{kind:?} {result:?}");
            assert!(result.detail.contains(expected), "{kind:?} {result:?}");
        };
        check(CommandKind::Snapshot, command(), "commands.snapshot");
        check(CommandKind::Reload, command(), "no configuration file");
        check(CommandKind::LogLevel, Command { level: Some("loud".into()), ..command() }, "allowed is error");
        check(CommandKind::LogLevel, Command { minutes: Some(600), ..command() }, "1 to 60");
    }

    #[test]
    fn a_reload_of_a_valid_file_starts_again_and_of_another_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ostiaryd.toml");
        let config = Arc::new(Config { origin: Some(path.clone()), ..Config::default() });
        let clerk = Clerk { shared: shared(dir.path(), &config).0, config };
        let reload = |text: &str| {
            std::fs::write(&path, text).unwrap();
            clerk.attend(CommandKind::Reload, &command())
        };
        let good = reload("[camera]\nfps = 10\n");
        assert!(good.restart && good.result.status == CommandStatus::Done, "{good:?}");
        let bad = reload("[camera]\nfps = 0\n");
        assert!(!bad.restart && bad.result.detail.contains("camera.fps"), "{bad:?}");
    }

    #[test]
    fn diagnostics_come_within_the_limit_and_more_than_fits_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let config = Arc::new(Config::default());
        let shared = shared(dir.path(), &config).0;
        let mut desk = spawn(&shared, &config).unwrap();
        desk.begin(CommandKind::Diagnostics, command());
        let begun = std::time::Instant::now();
        let answer = loop {
            assert!(begun.elapsed().as_secs() < 20, "an answer comes");
            if let Some(answer) = desk.finished() {
                break answer;
            }
            std::thread::yield_now();
        };
        let attachment = answer.result.attachment.unwrap();
        assert!(attachment.media_type == "application/gzip" && attachment.data.len() <= MAX_ATTACHMENT_BYTES);
    }
}
