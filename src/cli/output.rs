//! Where results go: data to standard output, remarks to standard error.

use super::exit_code::Failure;
use crate::model::ErrorCode;
use serde::Serialize;
use std::io::Write;

/// How results shall look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// JSON instead of text.
    pub(crate) json: bool,
    /// Ids only, and no remarks.
    pub(crate) quiet: bool,
    /// ANSI attributes.
    pub(crate) colour: bool,
}

impl Style {
    /// `text` made to stand out.
    pub(crate) fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// `text` made to stand back.
    pub(crate) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, attribute: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{attribute}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// A result that can be shown. Its `Serialize` is the documented JSON.
pub(crate) trait Show: Serialize {
    /// For a person; every line ends with a line break. Foreign text is neutralised here.
    fn text(&self, style: Style) -> String;

    /// What `--quiet` leaves: the ids, one a line.
    fn ids(&self) -> Vec<&str>;

    /// What a person is told beside it.
    fn remark(&self) -> Option<&'static str> {
        None
    }
}

/// The two streams and how to write to them.
pub(crate) struct Output {
    data: Box<dyn Write>,
    remarks: Box<dyn Write>,
    style: Style,
}

impl Output {
    /// Writes to `data` and `remarks`.
    pub(crate) fn new(data: Box<dyn Write>, remarks: Box<dyn Write>, style: Style) -> Self {
        Self {
            data,
            remarks,
            style,
        }
    }

    /// How results look.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Shows a result: one JSON document, ids, or text. Flushed when this returns.
    pub(crate) fn show(&mut self, thing: &impl Show) -> Result<(), Failure> {
        if self.style.json {
            return self.json(thing);
        }
        let text = if self.style.quiet {
            thing.ids().iter().map(|id| format!("{id}\n")).collect()
        } else {
            thing.text(self.style)
        };
        if let Some(remark) = thing.remark() {
            self.remark(remark);
        }
        self.raw(&text)
    }

    /// Writes a JSON document on a line of its own.
    pub(crate) fn json(&mut self, thing: &impl Serialize) -> Result<(), Failure> {
        self.raw(&(to_json(thing)? + "\n"))
    }

    /// Writes `text` as it is.
    pub(crate) fn raw(&mut self, text: &str) -> Result<(), Failure> {
        self.data
            .write_all(text.as_bytes())
            .and_then(|()| self.data.flush())
            .map_err(|error| Failure::from_output(&error))
    }

    /// Tells the user something that is no result; not when quiet.
    pub(crate) fn remark(&mut self, text: &str) {
        if !self.style.quiet {
            // Nobody can be told that telling failed.
            let _ = writeln!(self.remarks, "{text}");
        }
    }
}

/// `thing` as one line of JSON.
pub(crate) fn to_json(thing: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(thing).map_err(|error| {
        Failure::new(
            ErrorCode::Internal,
            format!("cannot write JSON ({error}). please report this"),
        )
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    /// A stream whose content a test can read.
    #[derive(Clone, Default)]
    pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A reader that went away.
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Serialize)]
    struct Sample {
        id: String,
        name: String,
    }

    impl Show for Sample {
        fn text(&self, style: Style) -> String {
            format!("{}\n", style.strong(&self.name))
        }

        fn ids(&self) -> Vec<&str> {
            vec![&self.id]
        }
    }

    fn shown(style: Style) -> (String, String) {
        let (data, remarks) = (Kept::default(), Kept::default());
        let mut output = Output::new(Box::new(data.clone()), Box::new(remarks.clone()), style);
        let sample = Sample {
            id: "0a1b".into(),
            name: "a\u{1b}b".into(),
        };
        output.show(&sample).unwrap();
        output.remark("done");
        (data.text(), remarks.text())
    }

    #[test]
    fn data_and_remarks_go_their_own_ways() {
        let (data, remarks) = shown(Style::default());
        assert_eq!((data.as_str(), remarks.as_str()), ("a\u{1b}b\n", "done\n"));
    }

    #[test]
    fn json_is_one_line_with_control_characters_escaped() {
        let (data, _) = shown(Style {
            json: true,
            ..Style::default()
        });
        assert_eq!(data, "{\"id\":\"0a1b\",\"name\":\"a\\u001bb\"}\n");
    }

    #[test]
    fn quiet_leaves_ids() {
        let quiet = Style {
            quiet: true,
            ..Style::default()
        };
        assert_eq!(shown(quiet), ("0a1b\n".into(), String::new()));
    }

    #[test]
    fn colour_is_an_attribute_that_ends() {
        let colour = Style {
            colour: true,
            ..Style::default()
        };
        assert!(shown(colour).0.ends_with("\u{1b}[0m\n"));
    }

    #[test]
    fn a_reader_that_went_away_ends_the_command_cleanly() {
        let mut output = Output::new(Box::new(Gone), Box::new(Gone), Style::default());
        assert_eq!(output.raw("x").unwrap_err().exit_code(), 0);
        output.remark("nobody hears this");
    }
}
