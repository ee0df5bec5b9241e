//! Where the door stands: a Unix socket that was handed to us, or one that we put up.

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType},
};
use std::{
    fs, io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixListener as StdListener,
    },
    path::{Path, PathBuf},
};
use tokio::net::{UnixListener, UnixStream};

/// Why the socket could not be put up.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The folder of the socket could not be made or looked at.
    #[error("cannot use the folder {} for the socket", .folder.display())]
    Folder {
        /// Where the socket was to be.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others may enter the folder of the socket.
    #[error("the folder {} must belong to you and be closed to others: chmod 700 it", .0.display())]
    FolderOpen(PathBuf),
    /// Something that is no socket is in the way.
    #[error("{} is in the way and is not a socket: move it away", .0.display())]
    NotSocket(PathBuf),
    /// Another daemon answers on the socket.
    #[error("a daemon already answers on {}", .0.display())]
    Answered(PathBuf),
    /// What is in the way could not be looked at or removed.
    #[error("cannot replace the old socket {}", .path.display())]
    Replace {
        /// The old socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The socket could not be made.
    #[error("cannot listen on {}", .path.display())]
    Bind {
        /// Where it was to be.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The socket that was handed over is of no use.
    #[error("the socket handed over by the service manager cannot be used")]
    Given(#[source] io::Error),
}

/// A listening Unix socket. One that we put up is taken down again when dropped.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    ours: Option<OwnFile>,
}

impl Listener {
    /// Takes over a socket that somebody else put up, as in socket activation. It stays where it
    /// is when dropped. Must be called within the runtime.
    ///
    /// # Errors
    /// [`ListenError::Given`]
    pub fn from_given(socket: StdListener) -> Result<Self, ListenError> {
        socket.set_nonblocking(true).map_err(ListenError::Given)?;
        let socket = UnixListener::from_std(socket).map_err(ListenError::Given)?;
        Ok(Self { socket, ours: None })
    }

    /// Puts up a socket of mode 0600 in a folder of mode 0700, which is made if need be.
    ///
    /// The socket of a dead daemon is replaced if nobody answers on it. The caller holds the
    /// instance lock, so nobody else of ours does the same meanwhile. Must be called within the
    /// runtime.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub fn bind(path: &Path) -> Result<Self, ListenError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        close_folder(folder)?;
        clear(path)?;
        let bind = |source| ListenError::Bind {
            path: path.to_owned(),
            source,
        };
        let socket = UnixListener::bind(path).map_err(bind)?;
        // From here on a failure takes the socket down again.
        let ours = Some(OwnFile::note(path).map_err(bind)?);
        // Until this line the folder's mode alone keeps others out, which is why it is checked.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(bind)?;
        Ok(Self { socket, ours })
    }

    /// The path of a socket that we put up.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.ours.as_ref().map(|file| file.path.as_path())
    }

    /// The next client.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.socket.accept().await.map(|(stream, _)| stream)
    }
}

/// A file of ours, removed when dropped unless another has taken its place.
#[derive(Debug)]
struct OwnFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl OwnFile {
    fn note(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
        })
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        let same = |found: fs::Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(same) {
            // A leftover is replaced by the next daemon.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes `folder` if need be; refuses one that others may enter.
fn close_folder(folder: &Path) -> Result<(), ListenError> {
    let failed = |source| ListenError::Folder {
        folder: folder.to_owned(),
        source,
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder).map_err(failed)?;
    let found = fs::metadata(folder).map_err(failed)?;
    let own = found.uid() == rustix::process::geteuid().as_raw();
    if own && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(ListenError::FolderOpen(folder.to_owned()))
    }
}

/// Removes the socket of a dead daemon from `path`.
fn clear(path: &Path) -> Result<(), ListenError> {
    let failed = |source| ListenError::Replace {
        path: path.to_owned(),
        source,
    };
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !found.file_type().is_socket() {
        return Err(ListenError::NotSocket(path.to_owned()));
    }
    if answers(path).map_err(failed)? {
        return Err(ListenError::Answered(path.to_owned()));
    }
    fs::remove_file(path).map_err(failed)
}

/// Whether somebody listens on the socket at `path`. Never blocks: a full queue is an answer.
fn answers(path: &Path) -> io::Result<bool> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&probe, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(false),
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run/msgd.sock");
        (folder, path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").mode() & 0o777
    }

    #[tokio::test]
    async fn the_socket_is_for_its_owner_alone_and_goes_with_the_listener() {
        let (_folder, path) = scratch();
        let listener = Listener::bind(&path).expect("bound");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("folder")), 0o700);
        assert_eq!(listener.path(), Some(path.as_path()));
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_socket_of_a_dead_daemon_is_replaced() {
        let (_folder, path) = scratch();
        fs::DirBuilder::new()
            .mode(0o700)
            .create(path.parent().expect("folder"))
            .expect("made");
        drop(StdListener::bind(&path).expect("a socket that stays behind"));
        assert!(path.exists());
        Listener::bind(&path).expect("replaced");
    }

    #[tokio::test]
    async fn a_daemon_that_answers_is_left_alone() {
        let (_folder, path) = scratch();
        let first = Listener::bind(&path).expect("bound");
        let second = Listener::bind(&path);
        assert!(matches!(second, Err(ListenError::Answered(_))));
        drop(second);
        assert!(path.exists());
        drop(first);
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_alone() {
        let (_folder, path) = scratch();
        fs::DirBuilder::new()
            .mode(0o700)
            .create(path.parent().expect("folder"))
            .expect("made");
        fs::write(&path, "precious").expect("written");
        assert!(matches!(
            Listener::bind(&path),
            Err(ListenError::NotSocket(_))
        ));
        assert_eq!(fs::read(&path).expect("still there"), b"precious");
    }

    #[tokio::test]
    async fn a_folder_that_others_may_enter_is_refused() {
        let (_folder, path) = scratch();
        let folder = path.parent().expect("folder");
        fs::create_dir(folder).expect("made");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o750)).expect("opened");
        assert!(matches!(
            Listener::bind(&path),
            Err(ListenError::FolderOpen(_))
        ));
    }

    #[tokio::test]
    async fn another_socket_in_our_place_survives_us() {
        let (_folder, path) = scratch();
        let listener = Listener::bind(&path).expect("bound");
        // Both exist for a moment, so the second cannot get the inode of the first.
        let other = path.with_extension("other");
        let _second = StdListener::bind(&other).expect("bound");
        fs::rename(&other, &path).expect("replaced");
        drop(listener);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_socket_that_was_given_stays() {
        let (_folder, path) = scratch();
        fs::DirBuilder::new()
            .mode(0o700)
            .create(path.parent().expect("folder"))
            .expect("made");
        let given = StdListener::bind(&path).expect("bound");
        let listener = Listener::from_given(given).expect("taken over");
        assert_eq!(listener.path(), None);
        drop(listener);
        assert!(path.exists());
    }
}
