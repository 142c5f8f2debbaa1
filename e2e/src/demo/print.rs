//! What the demo shows: plain lines, in colour only on a terminal.

use std::env;
use std::io::{IsTerminal, stdout};
use std::sync::LazyLock;

static COLOUR: LazyLock<bool> = LazyLock::new(|| stdout().is_terminal() && env::var_os("NO_COLOR").is_none());

/// How a word is painted.
#[derive(Clone, Copy)]
pub enum Paint {
    /// For what went well.
    Green,
    /// For what is not known.
    Yellow,
    /// For what is beside the point.
    Dim,
    /// For headings.
    Bold,
}

/// Paints text if this is a terminal.
pub fn paint(text: &str, paint: Paint) -> String {
    let code = match paint {
        Paint::Green => "32",
        Paint::Yellow => "33",
        Paint::Dim => "2",
        Paint::Bold => "1",
    };
    if *COLOUR { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// The first lines.
pub fn title() {
    println!();
    println!("  {}  the keeper of the door: a demo with throw-away state", paint("Ostiary", Paint::Bold));
    println!();
}

/// A step of the story: what, and what came of it.
pub fn step(what: &str, outcome: &str) {
    println!("  {what:<10} {outcome}");
}

/// More about the step above.
pub fn more(text: &str) {
    println!("  {:<10} {}", "", paint(text, Paint::Dim));
}

/// A heading.
pub fn heading(text: &str) {
    println!();
    println!("  {}", paint(text, Paint::Bold));
}

/// A row of a table.
pub fn row(what: &str, value: &str) {
    println!("    {what:<52} {value:>10}");
}

/// A line to be copied, with what it is for.
pub fn try_next(purpose: &str, line: &str) {
    println!("    {}", paint(&format!("# {purpose}"), Paint::Dim));
    println!("    {line}");
}

/// The last line.
pub fn done(text: &str) {
    println!();
    println!("  {} {text}", paint("ok", Paint::Green));
}
