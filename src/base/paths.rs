//! Where a profile's files live (XDG Base Directory Specification 0.8).

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The folders of one profile. Nothing is created here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Keys and messages: `$XDG_DATA_HOME/msgd/<profile>`.
    pub data: PathBuf,
    /// `config.toml`: `$XDG_CONFIG_HOME/msgd` (profiles below `profiles/<profile>`).
    pub config: PathBuf,
    /// Socket and boot-scoped keys: `$XDG_RUNTIME_DIR/msgd/<profile>`.
    pub runtime: PathBuf,
}

/// The profile that is meant when none is named.
pub const DEFAULT_PROFILE: &str = "default";

impl Paths {
    /// The folders of `profile`, looked up through `env` (a process's environment, or a map).
    ///
    /// # Errors
    /// A sentence that says which variable is missing, or why the profile's name will not do.
    pub fn find(profile: &str, env: impl Fn(&str) -> Option<OsString>) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if profile.is_empty() || profile.len() > 32 || !profile.chars().all(fits) {
            return Err(format!(
                "profile name {profile:?}: use 1 to 32 letters, digits, `-` or `_`"
            ));
        }
        // The specification tells programs to ignore relative paths.
        let set = |name: &str| env(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let below = |name: &str, rest: &str| {
            set(name)
                .or_else(|| set("HOME").map(|home| home.join(rest)))
                .ok_or_else(|| format!("neither {name} nor HOME is set to an absolute path"))
        };
        let data = below("XDG_DATA_HOME", ".local/share")?
            .join("msgd")
            .join(profile);
        let mut config = below("XDG_CONFIG_HOME", ".config")?.join("msgd");
        if profile != DEFAULT_PROFILE {
            config = config.join("profiles").join(profile);
        }
        // Without a login session there is no runtime folder: the data folder is as private.
        let runtime = set("XDG_RUNTIME_DIR")
            .map_or_else(|| data.join("run"), |dir| dir.join("msgd").join(profile));
        Ok(Self {
            data,
            config,
            runtime,
        })
    }

    /// The gRPC socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("msgd.sock")
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Creates `dir` and its parents; `dir` itself is 0700.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn create_private(dir: &Path) -> std::io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(vars: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into())
    }

    #[test]
    fn defaults_follow_the_specification() {
        let paths =
            Paths::find("default", env(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/r")])).unwrap();
        assert_eq!(paths.data, Path::new("/h/.local/share/msgd/default"));
        assert_eq!(
            paths.config_file(),
            Path::new("/h/.config/msgd/config.toml")
        );
        assert_eq!(paths.socket(), Path::new("/r/msgd/default/msgd.sock"));
    }

    #[test]
    fn relative_variables_are_ignored() {
        let paths = Paths::find("bob", env(&[("HOME", "/h"), ("XDG_DATA_HOME", "x")])).unwrap();
        assert_eq!(paths.data, Path::new("/h/.local/share/msgd/bob"));
        assert_eq!(
            paths.socket(),
            Path::new("/h/.local/share/msgd/bob/run/msgd.sock")
        );
        assert_eq!(paths.config, Path::new("/h/.config/msgd/profiles/bob"));
    }

    #[test]
    fn a_profile_name_cannot_leave_its_folder() {
        for bad in ["", "..", "a/b", "ä", &"x".repeat(33)] {
            assert!(Paths::find(bad, env(&[("HOME", "/h")])).is_err(), "{bad}");
        }
    }
}
