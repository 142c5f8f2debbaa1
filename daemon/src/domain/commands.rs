//! Commands: done once by id, answered again when repeated, never done too late.

use ostiary_common::ids::MsgId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Command, CommandResult, CommandStatus};
use serde::{Deserialize, Serialize};

/// Commands remembered. One is forgotten once it is too late for it; while so many are not, no other is done.
pub const REMEMBERED: usize = 64;

/// A command that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoneCommand {
    /// What was answered.
    pub result: CommandResult,
    /// Until when it could come again.
    pub not_after: UnixMillis,
}

/// The commands done lately.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    done: Vec<DoneCommand>,
}

impl Commands {
    /// Begins with what was remembered, oldest first.
    #[must_use]
    pub const fn new(done: Vec<DoneCommand>) -> Self {
        Self { done }
    }

    /// The answer, if the command is not to be done: it was done before, it is too late, or too many are remembered.
    /// `now` is `None` while nothing is known of the time; then nothing is too late.
    #[must_use]
    pub fn answer(&self, command: &Command, now: Option<UnixMillis>) -> Option<CommandResult> {
        if let Some(known) = self.done.iter().find(|done| done.result.id == command.id) {
            return Some(known.result.clone());
        }
        if now.is_some_and(|now| now > command.not_after) {
            return Some(result(
                command.id,
                CommandStatus::Expired,
                &format!("was to be done by {}", command.not_after),
            ));
        }
        let open = self.done.iter().filter(|done| !is_over(done, now)).count();
        let words = "too many commands at once: try again when some have expired";
        (open >= REMEMBERED).then(|| result(command.id, CommandStatus::Refused, words))
    }

    /// What is to be remembered with one more command done; forgets what is too late to come again. Hand it to
    /// [`Commands::replace`] once it is durable.
    #[must_use]
    pub fn with(&self, command: &Command, result: CommandResult, now: Option<UnixMillis>) -> Vec<DoneCommand> {
        let mut done: Vec<DoneCommand> = self.done.iter().filter(|done| !is_over(done, now)).cloned().collect();
        done.push(DoneCommand { result, not_after: command.not_after });
        done
    }

    /// These are remembered now.
    pub fn replace(&mut self, done: Vec<DoneCommand>) {
        self.done = done;
    }
}

fn is_over(done: &DoneCommand, now: Option<UnixMillis>) -> bool {
    now.is_some_and(|now| now > done.not_after)
}

/// A command's result.
#[must_use]
pub fn result(id: MsgId, status: CommandStatus, detail: &str) -> CommandResult {
    CommandResult { id, status, detail: detail.to_owned(), attachment: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(not_after: i64) -> Command {
        Command::new(MsgId::generate(), UnixMillis(not_after))
    }

    fn done(commands: &mut Commands, command: &Command, now: i64) {
        let done = result(command.id, CommandStatus::Done, "");
        let all = commands.with(command, done, Some(UnixMillis(now)));
        commands.replace(all);
    }

    #[test]
    fn repeated_is_answered_and_late_is_refused() {
        let mut commands = Commands::default();
        let first = command(1000);
        let status = |commands: &Commands, command: &Command, now: Option<i64>| {
            commands.answer(command, now.map(UnixMillis)).map(|answer| answer.status)
        };
        assert_eq!(status(&commands, &first, Some(1000)), None);
        assert_eq!(status(&commands, &first, Some(1001)), Some(CommandStatus::Expired));
        assert_eq!(status(&commands, &first, None), None, "no clock, no lateness");
        done(&mut commands, &first, 0);
        assert_eq!(status(&commands, &first, Some(9999)), Some(CommandStatus::Done));
        done(&mut commands, &command(5000), 2000);
        assert_eq!(status(&commands, &first, Some(2000)), Some(CommandStatus::Expired), "forgotten, and too late");
    }

    #[test]
    fn what_could_come_again_is_never_forgotten() {
        let mut commands = Commands::default();
        let all: Vec<Command> = (0..REMEMBERED).map(|_| command(1000)).collect();
        all.iter().for_each(|command| done(&mut commands, command, 0));
        assert!(all.iter().all(|command| commands.answer(command, None).is_some()));
        let one_more = command(3000);
        assert_eq!(commands.answer(&one_more, Some(UnixMillis(0))).unwrap().status, CommandStatus::Refused);
        assert_eq!(commands.answer(&one_more, Some(UnixMillis(1001))), None, "the others are over");
    }
}
