//! The program itself, as a person or a script meets it: commands, their answers, their exit codes.

mod cli;
mod eval;
