//! Sees the log's lines.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::SystemTime;

use ostiary_common::time::UnixMillis;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::PANIC_TARGET;
use super::book::{FaultBook, Occurrence};
use crate::domain::fault::FaultKind;

/// Notes every line of level ERROR in a [`FaultBook`], with the spans it stands in.
pub struct FaultLayer {
    book: Arc<FaultBook>,
}

impl FaultLayer {
    /// Writes into `book`.
    pub const fn new(book: Arc<FaultBook>) -> Self {
        Self { book }
    }
}

/// The fields of a span, kept with it.
struct Fields(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for FaultLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Text::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Fields(fields.others));
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Text::default();
        record.record(&mut fields);
        if let Some(Fields(known)) = span.extensions_mut().get_mut::<Fields>() {
            known.push_str(&fields.others);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() != Level::ERROR {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let mut frames = Vec::new();
        let mut stack = place(event);
        // Writing to a string does not fail.
        let _ = write!(stack, "{}", text.others);
        for span in context.event_scope(event).into_iter().flatten() {
            frames.push(span.name().to_owned());
            let extensions = span.extensions();
            let fields = extensions.get::<Fields>().map_or("", |fields| fields.0.as_str());
            let _ = write!(stack, "\nin {}{fields}", span.name());
        }
        let kind = if metadata.target() == PANIC_TARGET { FaultKind::Panic } else { FaultKind::Error };
        let target = metadata.target().to_owned();
        ::metrics::counter!("ostiary_server_faults_total", "kind" => kind.as_str()).increment(1);
        let now = UnixMillis::from_system_time(SystemTime::now());
        self.book.note(Occurrence { kind, target, message: text.message, frames, stack }, now);
    }
}

fn place(event: &Event<'_>) -> String {
    let metadata = event.metadata();
    let file = metadata.file().unwrap_or_else(|| metadata.target());
    metadata.line().map_or_else(|| format!("at {file}"), |line| format!("at {file}:{line}"))
}

/// The message, and the other fields as ` name=value`.
#[derive(Default)]
struct Text {
    message: String,
    others: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            // A backtrace has lines of its own.
            name => write!(self.others, " {name}={value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::domain::fault::FaultGroup;

    fn noted(doing: impl FnOnce()) -> Vec<FaultGroup> {
        let book = Arc::new(FaultBook::default());
        let subscriber = tracing_subscriber::registry().with(FaultLayer::new(book.clone()));
        tracing::subscriber::with_default(subscriber, doing);
        book.take()
    }

    #[test]
    fn an_error_is_kept_with_what_it_happened_within() {
        let faults = noted(|| {
            let _http = tracing::info_span!("http", request.id = "r-1", late = tracing::field::Empty).entered();
            tracing::Span::current().record("late", 7);
            let _handler = tracing::info_span!("http.v1.persons.create").entered();
            tracing::warn!("not this");
            for number in 0..3 {
                tracing::error!(error = "disk full", "row {number} could not be written");
            }
        });
        assert_eq!(faults.len(), 1);
        let fault = &faults[0];
        assert_eq!((fault.count, fault.kind), (3, FaultKind::Error));
        assert_eq!(
            (fault.template.as_str(), fault.message.as_str()),
            ("row _ could not be written", "row 2 could not be written")
        );
        assert!(fault.stack.contains("layer.rs:") && fault.stack.contains("error=disk full"), "{}", fault.stack);
        assert!(fault.stack.ends_with("in http.v1.persons.create\nin http request.id=r-1 late=7"), "{}", fault.stack);
    }

    #[test]
    fn a_panic_is_another_kind() {
        let faults = noted(|| tracing::error!(target: PANIC_TARGET, place = "a.rs:1", "panicked: no"));
        assert_eq!(faults[0].kind, FaultKind::Panic);
    }
}
