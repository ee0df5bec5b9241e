//! Turns tracing's events into [`Entry`]s, and decides whose are heard.

use std::fmt;

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use super::{scrub::scrub, sink::Sink};

/// One thing to log, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) level: Level,
    pub(super) target: &'static str,
    pub(super) module: Option<&'static str>,
    pub(super) file: Option<&'static str>,
    pub(super) line: Option<u32>,
    pub(super) message: String,
    /// Names and values, those of enclosing spans first.
    pub(super) fields: Vec<(&'static str, String)>,
}

/// The one layer of this program's subscriber.
pub(super) struct OwnLayer {
    level: Level,
    sink: Box<dyn Sink>,
}

impl OwnLayer {
    /// Hears this program's own events of `level` and worse, and hands them to `sink`.
    pub(super) fn new(level: Level, sink: Box<dyn Sink>) -> Self {
        Self { level, sink }
    }

    fn hears(&self, metadata: &Metadata<'_>) -> bool {
        if is_own(metadata) {
            *metadata.level() <= self.level
        } else {
            // Spans of others carry peers and addresses in their fields.
            metadata.is_event() && *metadata.level() == Level::ERROR
        }
    }
}

/// The library and both binaries log under `msgd`; anything else is somebody else's.
fn is_own(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target == "msgd" || target.starts_with("msgd::")
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for OwnLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.hears(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.hears(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.level))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut kept = Kept::default();
            attributes.record(&mut kept);
            span.extensions_mut().insert(kept);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(kept) = span.extensions_mut().get_mut::<Kept>()
        {
            values.record(kept);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut entry = Entry {
            level: *metadata.level(),
            target: metadata.target(),
            module: metadata.module_path(),
            file: metadata.file(),
            line: metadata.line(),
            message: String::new(),
            fields: Vec::new(),
        };
        if is_own(metadata) {
            let spans = context.event_scope(event).into_iter().flatten();
            // From the outermost inwards, as the work was entered.
            let mut found: Vec<_> = spans.map(|span| fields_of(&span)).collect();
            found.reverse();
            let mut kept = Kept::default();
            event.record(&mut kept);
            entry.message = kept.message;
            entry.fields = found.into_iter().flatten().chain(kept.fields).collect();
        } else {
            entry.message = format!("{} reported an error (its text is not shown)", entry.target);
        }
        self.sink.take(&entry);
    }
}

fn fields_of<S: for<'a> LookupSpan<'a>>(span: &SpanRef<'_, S>) -> Vec<(&'static str, String)> {
    span.extensions()
        .get::<Kept>()
        .map(|kept| kept.fields.clone())
        .unwrap_or_default()
}

/// What an event or a span says, scrubbed.
#[derive(Default)]
struct Kept {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Kept {
    fn keep(&mut self, field: &Field, text: &str) {
        let text = scrub(text);
        if field.name() == "message" {
            self.message = text;
        } else {
            self.fields.push((field.name(), text));
        }
    }
}

impl Visit for Kept {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, &format!("{value:?}"));
    }
}
