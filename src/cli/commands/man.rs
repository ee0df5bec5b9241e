//! `msgctl man`: writes the man pages. Packaging calls it; people read the pages.

use crate::{
    cli::{args::Cli, exit_code::Failure},
    model::ErrorCode,
};
use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The page about JSON, which no flag's help could hold.
const JSON_PAGE: &str = include_str!("../msgctl-json.7");

/// Write the man pages into a folder.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder; made if there is none
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(self) -> Result<(), Failure> {
        write(&self.folder).map_err(|error| {
            Failure::new(
                ErrorCode::Internal,
                format!(
                    "cannot write to {} ({error}). choose another folder",
                    self.folder.display()
                ),
            )
        })
    }
}

/// One page a noun, and the page about JSON.
fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut top = Cli::command();
    // Fills in what subcommands take over from the top, such as the global flags.
    top.build();
    page(folder, "msgctl", top.clone())?;
    for noun in top.get_subcommands().filter(|noun| !noun.is_hide_set()) {
        if noun.get_name() == "help" {
            continue;
        }
        let name = format!("msgctl-{}", noun.get_name());
        page(folder, &name, noun.clone())?;
        for verb in noun.get_subcommands() {
            if verb.get_name() != "help" {
                page(folder, &format!("{name}-{}", verb.get_name()), verb.clone())?;
            }
        }
    }
    fs::write(folder.join("msgctl-json.7"), JSON_PAGE)
}

fn page(folder: &Path, name: &str, command: clap::Command) -> io::Result<()> {
    let mut text = Vec::new();
    Page::new(command)
        .title(name.to_uppercase())
        .manual("msgd")
        .render(&mut text)?;
    fs::write(folder.join(format!("{name}.1")), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_noun_and_verb_has_its_page() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("man");
        Man {
            folder: folder.clone(),
        }
        .run()
        .unwrap();
        for name in [
            "msgctl.1",
            "msgctl-send.1",
            "msgctl-contact.1",
            "msgctl-contact-safety-number.1",
            "msgctl-json.7",
        ] {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            assert!(text.contains(".TH "), "{name}");
        }
        assert!(!folder.join("msgctl-man.1").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let failure = Man {
            folder: "/proc/no/such".into(),
        };
        assert_eq!(failure.run().unwrap_err().exit_code(), 1);
    }
}
