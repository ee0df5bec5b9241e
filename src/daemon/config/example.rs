//! The configuration file that explains every setting, made from the table of settings.

use super::SETTINGS;
use std::fmt::Write as _;

/// A configuration file that says what holds anyway, every line commented out.
#[must_use]
pub fn example() -> String {
    let mut text = String::from(
        "# Configuration of msgd: $XDG_CONFIG_HOME/msgd/config.toml.\n\
         # Every line shows the default; remove the leading `#` to change it.\n\
         # MSGD_* variables and flags of `msgd run` go before this file.\n",
    );
    let mut table = "";
    for setting in SETTINGS {
        let Some((name, key)) = setting.key.and_then(|key| key.split_once('.')) else {
            continue;
        };
        if name != table {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n[{name}]\n");
            table = name;
        }
        let _ = writeln!(text);
        for line in wrapped(setting.about, 76) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "# Environment: {}", setting.variable);
        let _ = writeln!(text, "#{key} = {}", setting.example);
    }
    text
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| !line.is_empty() && line.len() + 1 + word.len() > width);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
