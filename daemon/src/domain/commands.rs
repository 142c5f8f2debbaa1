//! Commands: done once by id, answered again when repeated, never done too late.

use ostiary_common::ids::MsgId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Command, CommandResult, CommandStatus};

/// Results remembered; an older command that comes again would be done again.
pub const REMEMBERED: usize = 64;

/// The commands done lately.
#[derive(Debug, Default)]
pub struct Commands {
    done: Vec<CommandResult>,
}

impl Commands {
    /// Begins with what was remembered, oldest first.
    pub const fn new(done: Vec<CommandResult>) -> Self {
        Self { done }
    }

    /// The answer, if the command is not to be done: it was done before, or it is too late. `now` is `None`
    /// while the clock cannot be believed; then nothing is too late, for commands are never kept by a broker.
    pub fn answer(&self, command: &Command, now: Option<UnixMillis>) -> Option<CommandResult> {
        if let Some(known) = self.done.iter().find(|result| result.id == command.id) {
            return Some(known.clone());
        }
        let late = now.is_some_and(|now| now > command.not_after);
        late.then(|| result(command.id, CommandStatus::Expired, &format!("was to be done by {}", command.not_after)))
    }

    /// Remembers a result; returns all that are remembered.
    pub fn remember(&mut self, result: CommandResult) -> &[CommandResult] {
        if self.done.len() >= REMEMBERED {
            self.done.remove(0);
        }
        self.done.push(result);
        &self.done
    }
}

/// A command's result.
pub fn result(id: MsgId, status: CommandStatus, detail: &str) -> CommandResult {
    CommandResult { id, status, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_is_answered_and_late_is_refused() {
        let command = Command { id: MsgId::generate(), not_after: UnixMillis(1000) };
        let mut commands = Commands::default();
        assert_eq!(commands.answer(&command, Some(UnixMillis(1000))), None);
        assert_eq!(commands.answer(&command, Some(UnixMillis(1001))).unwrap().status, CommandStatus::Expired);
        assert_eq!(commands.answer(&command, None), None, "no clock, no lateness");
        let done = result(command.id, CommandStatus::Done, "");
        commands.remember(done.clone());
        assert_eq!(commands.answer(&command, Some(UnixMillis(9999))), Some(done));
        for _ in 0..REMEMBERED {
            commands.remember(result(MsgId::generate(), CommandStatus::Done, ""));
        }
        assert_eq!(commands.answer(&command, None), None, "forgotten");
    }
}
