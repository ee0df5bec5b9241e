//! Help texts are part of what is promised: they change on purpose or not at all.
//!
//! After a change on purpose, write them anew with `MSGD_WRITE_GOLDENS=1 cargo test cli::goldens`
//! and read the difference.

use super::args::Cli;
use clap::{Command, CommandFactory};
use std::{fs, path::Path};

/// Every command that people ask for help on, with the golden file's name.
fn commands() -> Vec<(String, Command)> {
    let mut top = Cli::command().term_width(100);
    top.build();
    let nouns: Vec<_> = top
        .get_subcommands()
        .filter(|noun| noun.get_name() != "help")
        .map(|noun| (format!("msgctl-{}", noun.get_name()), noun.clone()))
        .collect();
    let mut commands = vec![("msgctl".to_owned(), top)];
    commands.extend(nouns);
    commands
}

#[test]
fn help_texts_are_the_agreed_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/help");
    let write = std::env::var_os("MSGD_WRITE_GOLDENS").is_some();
    let mut differ = Vec::new();
    for (name, command) in commands() {
        let file = folder.join(format!("{name}.txt"));
        let help = command.term_width(100).render_help().to_string();
        if write {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &help).unwrap();
        }
        if fs::read_to_string(&file).ok().as_deref() != Some(help.as_str()) {
            differ.push(name);
        }
    }
    assert!(
        differ.is_empty(),
        "changed or without a golden: {differ:?}; see the head of this file"
    );
}

#[test]
fn every_golden_belongs_to_a_command() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/help");
    let known: Vec<String> = commands()
        .into_iter()
        .map(|(name, _)| name + ".txt")
        .collect();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is left over");
    }
}

#[test]
fn the_page_about_json_names_every_field() {
    let page = include_str!("msgctl-json.7");
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/view")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let shown = text.split("#[cfg(test)]").next().unwrap_or_default();
        for field in serialised_fields(shown) {
            assert!(
                page.contains(&format!("\\fB{field}\\fR")),
                "msgctl-json(7) does not explain `{field}`"
            );
        }
    }
}

/// Field names of the structs that derive `Serialize`, read from their source.
fn serialised_fields(source: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut inside = false;
    let mut rename = None;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[derive(") {
            inside = line.contains("Serialize");
        } else if line == "}" {
            inside = false;
        } else if let Some((_, name)) = line.split_once("rename = \"") {
            rename = name.split('"').next().map(str::to_owned);
        } else if inside && line.ends_with(',') && !line.starts_with(['#', '/']) {
            let name = line.trim_start_matches("pub(crate) ").split(':').next();
            fields.push(
                rename
                    .take()
                    .unwrap_or_else(|| name.unwrap_or("").to_owned()),
            );
        }
    }
    fields
}
