//! The man pages of `msgd`, from the definition of its command line.

use super::Args;
use clap_mangen::Man as Page;
use std::{fs, io, path::Path};

/// What the definition of a command line has no place for.
const SEE_ALSO: &str = "\
.SH FILES
.TP
$XDG_CONFIG_HOME/msgd/config.toml
Settings.
.TP
$XDG_DATA_HOME/msgd/PROFILE/
Keys and messages, sealed.
.TP
$XDG_RUNTIME_DIR/msgd/PROFILE/
The socket for clients, and the key that recognises contacts until logout.
.SH SEE ALSO
.BR msgctl (1),
.BR msgctl\\-json (7)
";

/// Writes a page for the program and one for each of its verbs into `folder`, which is made if
/// there is none.
///
/// # Errors
/// What the disk says.
pub fn man(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // The verb `help` has no page that another could point to.
    let mut top = Args::definition().disable_help_subcommand(true);
    top.build();
    for verb in top.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("msgd-{}", verb.get_name());
        write(folder, &name, Page::new(verb.clone()))?;
    }
    write(folder, "msgd", Page::new(top.clone()))
}

fn write(folder: &Path, name: &str, page: Page) -> io::Result<()> {
    let mut text = Vec::new();
    page.title(name.to_uppercase())
        .manual("msgd")
        .render(&mut text)?;
    text.extend_from_slice(SEE_ALSO.as_bytes());
    fs::write(folder.join(format!("{name}.1")), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_and_its_verbs_have_their_pages() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("man");
        man(&folder).unwrap();
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["msgd-demo.1", "msgd-run.1", "msgd.1"]);
        let page = fs::read_to_string(folder.join("msgd.1")).unwrap();
        for word in [".TH MSGD 1", "MSGD_MAX_LINKS", "MSGD_LISTEN", "msgctl"] {
            assert!(page.contains(word), "{word}");
        }
        assert!(!page.contains("help(1)"));
    }
}
