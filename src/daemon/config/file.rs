//! Reads the configuration file and finds the line of every fault in it.

use std::{ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Config, ConfigError,
    settings::{Given, SETTINGS, Setting},
};

/// Sets in `config` whatever `text`, the content of `file`, says.
pub(super) fn apply(config: &mut Config, file: &Path, text: &str) -> Result<(), ConfigError> {
    let fault = |at: Range<usize>, why: String| ConfigError::File {
        file: file.to_owned(),
        line: line_of(text, at.start),
        why,
    };
    let root = DeTable::parse(text).map_err(|error| {
        fault(
            error.span().unwrap_or(0..0),
            error.message().trim().replace('\n', ", "),
        )
    })?;
    for (table, content) in root.get_ref() {
        let name = table.get_ref();
        let known = tables().any(|known| known == name);
        match content.get_ref() {
            DeValue::Table(keys) if known => {
                for (key, value) in keys {
                    let full = format!("{name}.{}", key.get_ref());
                    let setting = find(&full)
                        .ok_or_else(|| fault(key.span(), unknown("key", &full, keys_known())))?;
                    (setting.set)(config, given(value))
                        .map_err(|why| fault(value.span(), format!("{full}: {why}")))?;
                }
            }
            _ if known => {
                return Err(fault(
                    content.span(),
                    format!("{name} is a table: write [{name}] on a line of its own"),
                ));
            }
            DeValue::Table(_) => {
                return Err(fault(table.span(), unknown("table", name, tables())));
            }
            _ => return Err(fault(table.span(), unknown("key", name, keys_known()))),
        }
    }
    Ok(())
}

fn given(value: &Spanned<DeValue<'_>>) -> Given {
    match value.get_ref() {
        DeValue::String(text) => Given::String(text.to_string()),
        DeValue::Boolean(value) => Given::Bool(*value),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Given::Other("a number that is too large"), Given::Integer),
        DeValue::Float(_) => Given::Other("a number with a fraction"),
        DeValue::Datetime(_) => Given::Other("a date"),
        DeValue::Table(_) => Given::Other("a table"),
        DeValue::Array(items) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect::<Option<_>>()
            .map_or(Given::Other("a list of other things"), Given::List),
    }
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == Some(key))
}

fn keys_known() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter_map(|setting| setting.key)
}

fn tables() -> impl Iterator<Item = &'static str> {
    keys_known().filter_map(|key| key.split('.').next())
}

/// Names what is not known, and the known name that looks most like it.
fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str>) -> String {
    // A key that was written without its table is meant just as well as a misspelt one.
    let nearness = |known: &str| {
        let last = known.rsplit('.').next().unwrap_or(known);
        strsim::jaro_winkler(name, known).max(strsim::jaro_winkler(name, last))
    };
    let nearest = known
        .map(|known| (nearness(known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, known)) => format!("unknown {what} {name:?}; the nearest one is {known:?}"),
        None => format!("unknown {what} {name:?}"),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
