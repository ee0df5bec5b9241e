//! A strict reader of OpenMetrics text, for tests.

use std::collections::BTreeMap;

/// Reads OpenMetrics text as strictly as its grammar: families in one piece, TYPE before UNIT
/// before HELP, names that fit their kinds and units, no sample twice, whole numbers, one EOF.
/// Returns the value of each sample.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, u64>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("no EOF at the end")?;
    let (mut samples, mut families) = (BTreeMap::new(), Vec::<(String, String)>::new());
    let mut described = 0;
    for line in body.lines() {
        let wrong = |why: &str| format!("{why}: {line}");
        if let Some(rest) = line.strip_prefix("# ") {
            let words: Vec<&str> = rest.splitn(3, ' ').collect();
            let [what, name, value] = words[..] else {
                return Err(wrong("too few words"));
            };
            let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if !name.chars().all(letter) || value.is_empty() {
                return Err(wrong("a strange name or no value"));
            }
            let newest = families.last().map(|(name, _)| name.as_str());
            described = match (what, described) {
                ("TYPE", _) if families.iter().all(|(known, _)| known != name) => {
                    if !["counter", "gauge", "info"].contains(&value) {
                        return Err(wrong("an unknown type"));
                    }
                    families.push((name.to_owned(), value.to_owned()));
                    1
                }
                ("UNIT", 1) if newest == Some(name) && name.ends_with(&format!("_{value}")) => 2,
                ("HELP", 1 | 2) if newest == Some(name) => 3,
                _ => return Err(wrong("out of order")),
            };
            continue;
        }
        let (name, kind) = families.last().ok_or_else(|| wrong("no family"))?;
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let (series, value) = line.rsplit_once(' ').ok_or_else(|| wrong("no value"))?;
        let rest = series.strip_prefix(&format!("{name}{suffix}"));
        match rest.ok_or_else(|| wrong("not of its family"))? {
            "" => {}
            labels => {
                let labels = labels.strip_prefix('{').and_then(|l| l.strip_suffix('}'));
                for label in labels.ok_or_else(|| wrong("braces"))?.split(',') {
                    let (key, word) = label.split_once('=').ok_or_else(|| wrong("a label"))?;
                    let word = word
                        .strip_prefix('"')
                        .and_then(|word| word.strip_suffix('"'));
                    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                    let fits = word.is_some_and(|word| !word.is_empty() && word.chars().all(plain));
                    if !fits || !key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                        return Err(wrong("a label's word"));
                    }
                }
            }
        }
        let value: u64 = value.parse().map_err(|_| wrong("no whole number"))?;
        if described != 3 || (kind == "info" && value != 1) {
            return Err(wrong("without help, or an info that is not 1"));
        }
        if samples.insert(series.to_owned(), value).is_some() {
            return Err(wrong("twice"));
        }
    }
    Ok(samples)
}
