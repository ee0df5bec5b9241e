//! The figures, with the limit that each has to keep.

use crate::cable::Cable;
use serde_json::{Map, Value, json};
use std::{fmt, path::Path, time::Duration};

struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    limit: Option<f64>,
}

pub(crate) struct Report {
    about: Map<String, Value>,
    figures: Vec<Figure>,
}

impl Report {
    pub(crate) fn new(program: &Path, cable: Option<&Cable>) -> Self {
        let mut about = Map::new();
        about.insert("peer".into(), "msgd".into());
        about.insert("binary".into(), program.display().to_string().into());
        about.insert("namespaces".into(), cable.is_some().into());
        about.insert("load_start".into(), load());
        Self {
            about,
            figures: Vec::new(),
        }
    }

    /// A figure, and the most it may be.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        value: f64,
        unit: &'static str,
        limit: impl Into<Option<f64>>,
    ) {
        let limit = limit.into();
        eprintln!("{name}: {value:.3} {unit}");
        self.figures.push(Figure {
            name,
            value,
            unit,
            limit,
        });
    }

    /// A time in milliseconds, and the most it may be.
    pub(crate) fn time(
        &mut self,
        name: &'static str,
        took: Duration,
        limit: impl Into<Option<f64>>,
    ) {
        self.add(name, took.as_secs_f64() * 1e3, "ms", limit);
    }

    pub(crate) fn namespaces(&self) -> bool {
        self.about.get("namespaces") == Some(&Value::Bool(true))
    }

    /// Something that is not a figure.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        eprintln!("{name}: {value}");
        self.about.insert(name.into(), value);
    }

    pub(crate) fn json(&self) -> Value {
        let mut line = self.about.clone();
        line.insert("load_end".into(), load());
        for figure in &self.figures {
            let value = json!({
                "value": (figure.value * 1e3).round() / 1e3,
                "unit": figure.unit,
                "limit": figure.limit,
                "kept": figure.limit.map(|limit| figure.value <= limit),
            });
            line.insert(figure.name.into(), value);
        }
        line.into()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<28}{:>12} {:<6}{:>10}",
            "figure", "value", "", "limit"
        )?;
        for figure in &self.figures {
            write!(
                f,
                "{:<28}{:>12.3} {:<6}",
                figure.name, figure.value, figure.unit
            )?;
            match figure.limit {
                Some(limit) if figure.value <= limit => writeln!(f, "{limit:>10}  kept")?,
                Some(limit) => writeln!(f, "{limit:>10}  MISSED")?,
                None => writeln!(f, "{:>10}", "-")?,
            }
        }
        Ok(())
    }
}

fn load() -> Value {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let numbers = text
        .split(' ')
        .take(3)
        .filter_map(|number| number.parse::<f64>().ok());
    numbers.collect::<Vec<f64>>().into()
}
