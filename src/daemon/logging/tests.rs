//! Tests of what is logged, and of what never is.

use super::*;
use crate::base::{Redacted, TestClock};
use layer::Entry;
use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex},
};
use tracing::Level;

#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<Entry>>>);

impl Sink for Taken {
    fn take(&self, entry: &Entry) {
        self.0.lock().unwrap().push(entry.clone());
    }
}

fn logged(level: Level, work: impl FnOnce()) -> Vec<Entry> {
    let taken = Taken::default();
    let layer = OwnLayer::new(level, Box::new(taken.clone()));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    std::mem::take(&mut taken.0.lock().unwrap())
}

fn own(message: &str, fields: Vec<(&'static str, String)>) -> Entry {
    Entry {
        level: Level::INFO,
        target: "msgd::net",
        module: Some("msgd::net"),
        file: Some("src/net/mod.rs"),
        line: Some(7),
        message: message.to_owned(),
        fields,
    }
}

#[test]
fn own_events_are_heard_down_to_the_level() {
    let entries = logged(Level::INFO, || {
        tracing::info!(links = 3, "up");
        tracing::debug!("details");
    });
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].message, "up");
    assert_eq!(entries[0].fields, [("links", "3".to_owned())]);
}

#[test]
fn fields_of_enclosing_spans_come_first() {
    let entries = logged(Level::DEBUG, || {
        let outer = tracing::debug_span!("outer", attempt = tracing::field::Empty);
        outer.record("attempt", 2);
        let _outer = outer.entered();
        let _inner = tracing::debug_span!("inner", kind = "text").entered();
        tracing::info!(ok = true, "sent");
    });
    let names: Vec<_> = entries[0].fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["attempt", "kind", "ok"]);
}

#[test]
fn other_peoples_crates_are_heard_at_error_and_by_name_only() {
    let secret = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
    let entries = logged(Level::TRACE, || {
        let span = tracing::error_span!(target: "libp2p_swarm", "poll", peer = secret);
        let _span = span.entered();
        tracing::warn!(target: "libp2p_tcp", address = "192.0.2.1:3", "dial {secret}");
        tracing::error!(target: "quinn_proto", address = "192.0.2.1:3", "lost {secret}");
        tracing::error!(target: "msgdx", "not ours either: {secret}");
        tracing::info!("ours, within their span");
    });
    let said: Vec<_> = entries.iter().map(|entry| entry.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "quinn_proto reported an error (its text is not shown)",
            "msgdx reported an error (its text is not shown)",
            "ours, within their span"
        ]
    );
    assert!(entries.iter().all(|entry| entry.fields.is_empty()));
}

#[test]
fn own_words_are_scrubbed_and_redacted_values_stay_redacted() {
    let entries = logged(Level::INFO, || {
        let secret = Redacted("a text");
        tracing::info!(text = ?secret, shown = %secret, address = %"192.0.2.1:3", "from 192.0.2.1:3");
    });
    assert_eq!(entries[0].message, "from [address]");
    let fields: Vec<_> = entries[0].fields.iter().map(|(_, v)| v.as_str()).collect();
    assert_eq!(fields, ["[redacted]", "[redacted]", "[address]"]);
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_has_time_level_target_and_fields_and_cannot_be_forged() {
    let written = Written::default();
    let lines = Lines::new(written.clone(), TestClock::at(1_795_425_900_123).clock());
    lines.take(&own(
        "up\n2026 ERROR forged \u{1b}[31m",
        vec![("reason", "a\rb".to_owned())],
    ));
    assert_eq!(
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap(),
        "2026-11-23T09:25:00.123Z INFO msgd::net: up\\n2026 ERROR forged \\u{1b}[31m reason=a\\rb\n"
    );
}

/// What a logger was handed, by name.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

impl log::Log for Records {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        struct Into<'a>(&'a mut BTreeMap<String, String>);
        impl<'kvs> log::kv::VisitSource<'kvs> for Into<'_> {
            fn visit_pair(
                &mut self,
                key: log::kv::Key<'kvs>,
                value: log::kv::Value<'kvs>,
            ) -> Result<(), log::kv::Error> {
                self.0.insert(key.to_string(), value.to_string());
                Ok(())
            }
        }
        let mut seen = BTreeMap::from([
            ("message".to_owned(), record.args().to_string()),
            ("level".to_owned(), record.level().to_string()),
            ("target".to_owned(), record.target().to_owned()),
            (
                "place".to_owned(),
                format!(
                    "{:?} {:?} {:?}",
                    record.module_path(),
                    record.file(),
                    record.line()
                ),
            ),
        ]);
        record.key_values().visit(&mut Into(&mut seen)).unwrap();
        self.0.lock().unwrap().push(seen);
    }

    fn flush(&self) {}
}

#[test]
fn the_journal_gets_text_place_and_fields() {
    let records = Records::default();
    Journal::new(records.clone()).take(&own(
        "link lost",
        vec![
            ("reason", "timeout".to_owned()),
            ("after_ms", "12".to_owned()),
        ],
    ));
    let expected = [
        ("MSGD_AFTER_MS", "12"),
        ("MSGD_REASON", "timeout"),
        ("level", "INFO"),
        ("message", "link lost reason=timeout after_ms=12"),
        (
            "place",
            "Some(\"msgd::net\") Some(\"src/net/mod.rs\") Some(7)",
        ),
        ("target", "msgd::net"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(*records.0.lock().unwrap(), [BTreeMap::from(expected)]);
}

#[test]
fn a_panic_shows_its_text_only_if_it_is_a_constant() {
    let constant = std::panic::catch_unwind(|| std::panic::panic_any("the queue is gone"));
    assert_eq!(constant_text(&*constant.unwrap_err()), "the queue is gone");
    let made: Box<dyn std::any::Any + Send> = Box::new(format!("dial {}", "192.0.2.1:3"));
    assert_eq!(constant_text(&*made), "[not shown]");
}
