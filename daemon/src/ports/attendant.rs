//! Commands that take longer than a message: a picture, a self-test, a bundle of diagnostics.

use ostiary_common::topics::CommandKind;
use ostiary_common::wire::{Command, CommandResult};

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Attended {
    /// Its kind.
    pub kind: CommandKind,
    /// The answer.
    pub result: CommandResult,
    /// The program is to be started again, once the answer is out.
    pub restart: bool,
}

/// Does them, elsewhere: neither call waits.
pub trait Attendant: Send + Sync {
    /// Begins; what cannot be begun is answered as refused.
    fn begin(&mut self, kind: CommandKind, command: Command);

    /// What is done by now; whoever does it sees to it that this is asked.
    fn finished(&mut self) -> Option<Attended>;
}
