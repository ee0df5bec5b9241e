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

/// A page for the program and for each noun and verb, and the page about JSON.
fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut top = without_help(Cli::command());
    // Fills in what subcommands take over from the top, such as the global flags.
    top.build();
    pages(folder, "msgctl", &top)?;
    fs::write(folder.join("msgctl-json.7"), JSON_PAGE)
}

/// The verb `help` of each noun has no page that another could point to.
fn without_help(command: clap::Command) -> clap::Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}

fn pages(folder: &Path, name: &str, command: &clap::Command) -> io::Result<()> {
    page(folder, name, command.clone())?;
    for below in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        pages(folder, &format!("{name}-{}", below.get_name()), below)?;
    }
    Ok(())
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
            "msgctl-vault-slots-add.1",
            "msgctl-json.7",
        ] {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            assert!(text.contains(".TH "), "{name}");
        }
        assert!(!folder.join("msgctl-man.1").exists());
    }

    #[test]
    fn no_page_points_to_one_that_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        let mut pointers = 0;
        for entry in fs::read_dir(dir.path()).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let points = |line: &&str| line.starts_with("msgctl") && line.ends_with("(1)");
            for line in text.lines().filter(points) {
                let name = line.trim_end_matches("(1)").replace('\\', "");
                assert!(dir.path().join(format!("{name}.1")).exists(), "{line}");
                pointers += 1;
            }
        }
        assert!(pointers > 40, "{pointers}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let failure = Man {
            folder: "/proc/no/such".into(),
        };
        assert_eq!(failure.run().unwrap_err().exit_code(), 1);
    }
}
