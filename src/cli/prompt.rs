//! Passphrases: from a file descriptor, from systemd's credentials or from the terminal.
//! Never from the command line or the environment, where other processes can read them.

use super::exit_code::Failure;
use crate::model::ErrorCode;
use std::{
    ffi::OsString,
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};
use zeroize::{Zeroize, Zeroizing};

/// Longest passphrase that is read; what is longer is some other file.
const MAX_BYTES: u64 = 4096;

/// Where one passphrase comes from if not from the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// `--passphrase-fd` or one of its like.
    pub(crate) fd: Option<u32>,
    /// Name of the file below `$CREDENTIALS_DIRECTORY`.
    pub(crate) credential: &'a str,
    /// What the terminal shows before the cursor.
    pub(crate) prompt: &'a str,
    /// Whether a person must type it twice.
    pub(crate) confirm: bool,
}

/// A passphrase; wiped when dropped.
pub(crate) type Passphrase = Zeroizing<Vec<u8>>;

impl Source<'_> {
    /// Reads it, asking only if nothing else was offered.
    pub(crate) fn read(&self) -> Result<Passphrase, Failure> {
        let found = self.find(std::env::var_os("CREDENTIALS_DIRECTORY"))?;
        match found {
            Some(passphrase) => Ok(passphrase),
            None => self.ask(|prompt| rpassword::prompt_password(prompt)),
        }
    }

    /// What was handed over without a terminal.
    fn find(&self, credentials: Option<OsString>) -> Result<Option<Passphrase>, Failure> {
        if let Some(fd) = self.fd {
            return read_file(&PathBuf::from(format!("/dev/fd/{fd}")))?
                .map(Some)
                .ok_or_else(|| {
                    Failure::usage(format!(
                        "file descriptor {fd} is not open. open it, as in --passphrase-fd 3 3<FILE"
                    ))
                });
        }
        match credentials {
            Some(folder) => read_file(&Path::new(&folder).join(self.credential)),
            None => Ok(None),
        }
    }

    /// Asks a person; `ask` shows a prompt and reads a line without echo.
    fn ask(&self, ask: impl Fn(&str) -> std::io::Result<String>) -> Result<Passphrase, Failure> {
        let once = |prompt: &str| match ask(prompt) {
            Ok(line) => checked(Zeroizing::new(line.into_bytes())),
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(Failure::Interrupted),
            Err(error) => Err(Failure::usage(format!(
                "there is no terminal to ask for the passphrase on ({error}). use --passphrase-fd N \
                 or the systemd credential `{}`",
                self.credential
            ))),
        };
        let first = once(&format!("{}: ", self.prompt))?;
        if self.confirm && *first != *once(&format!("{} once more: ", self.prompt))? {
            return Err(Failure::usage(
                "the two passphrases differ; nothing was changed. try again",
            ));
        }
        Ok(first)
    }
}

/// The passphrase in a file, less one line ending; `None` if there is no such file.
fn read_file(path: &Path) -> Result<Option<Passphrase>, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    // Room for all of it from the start: a growing buffer leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 2));
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        bytes.zeroize();
        return Err(Failure::usage(format!(
            "{} holds more than {MAX_BYTES} bytes. hand over a passphrase, not a file",
            path.display()
        )));
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    checked(bytes).map(Some)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        ErrorCode::InvalidArgument,
        format!(
            "cannot read {} ({error}). check its permissions",
            path.display()
        ),
    )
}

fn checked(passphrase: Passphrase) -> Result<Passphrase, Failure> {
    if passphrase.is_empty() {
        return Err(Failure::usage(
            "the passphrase is empty. choose one of several words",
        ));
    }
    Ok(passphrase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, os::fd::AsRawFd};

    const SOURCE: Source<'_> = Source {
        fd: None,
        credential: "msgd-passphrase",
        prompt: "Passphrase",
        confirm: true,
    };

    #[test]
    fn a_file_descriptor_comes_before_the_credential() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("msgd-passphrase"), "from systemd\r\n").unwrap();
        let other = dir.path().join("other");
        std::fs::write(&other, " two words \n").unwrap();
        let open = File::open(&other).unwrap();
        let folder = Some(dir.path().as_os_str().to_owned());
        let found = SOURCE.find(folder.clone()).unwrap().unwrap();
        assert_eq!(*found, b"from systemd");
        let with_fd = Source {
            fd: Some(open.as_raw_fd().try_into().unwrap()),
            ..SOURCE
        };
        assert_eq!(*with_fd.find(folder).unwrap().unwrap(), b" two words ");
    }

    #[test]
    fn nothing_offered_means_asking() {
        let dir = tempfile::tempdir().unwrap();
        assert!(SOURCE.find(None).unwrap().is_none());
        assert!(SOURCE.find(Some(dir.path().into())).unwrap().is_none());
    }

    #[test]
    fn a_closed_descriptor_an_empty_and_a_huge_file_are_usage_errors() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("msgd-passphrase");
        let find = || {
            SOURCE
                .find(Some(dir.path().into()))
                .unwrap_err()
                .exit_code()
        };
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(find(), 2);
        std::fs::write(&path, vec![b'x'; 5000]).unwrap();
        assert_eq!(find(), 2);
        let closed = Source {
            fd: Some(987_654),
            ..SOURCE
        };
        assert_eq!(closed.find(None).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_person_types_a_new_passphrase_twice() {
        let asked = Cell::new(0);
        let same = SOURCE.ask(|_| {
            asked.set(asked.get() + 1);
            Ok("horse".to_owned())
        });
        assert_eq!((*same.unwrap()).as_slice(), b"horse");
        assert_eq!(asked.get(), 2);
        let differ = SOURCE.ask(|prompt| Ok(prompt.to_owned())).unwrap_err();
        assert_eq!(differ.exit_code(), 2);
    }

    #[test]
    fn an_interrupted_prompt_is_an_interrupt_and_no_terminal_a_usage_error() {
        let interrupted = SOURCE.ask(|_| Err(ErrorKind::Interrupted.into()));
        assert_eq!(interrupted.unwrap_err().exit_code(), 130);
        let missing = SOURCE.ask(|_| Err(ErrorKind::NotFound.into()));
        assert_eq!(missing.unwrap_err().exit_code(), 2);
    }
}
