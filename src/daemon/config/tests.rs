//! Tests of the configuration.

use super::*;
use std::fs;

struct Home(tempfile::TempDir);

impl Home {
    fn with(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("msgd")).unwrap();
        fs::write(dir.path().join("msgd/config.toml"), text).unwrap();
        Self(dir)
    }

    fn load(&self, vars: &[(&str, &str)], flags: &Options) -> Result<Config, ConfigError> {
        Config::load(flags, |name| match name {
            "HOME" => Some("/h".into()),
            "XDG_CONFIG_HOME" => Some(self.0.path().into()),
            "XDG_RUNTIME_DIR" => Some("/r".into()),
            _ => vars.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into()),
        })
    }

    fn fault(&self) -> String {
        let error = self.load(&[], &Options::default()).unwrap_err().to_string();
        let prefix = format!("{}/msgd/config.toml", self.0.path().display());
        error.strip_prefix(&prefix).unwrap_or(&error).to_owned()
    }
}

fn flags(line: &[&str]) -> Options {
    match crate::daemon::Args::try_read([&["msgd"], line].concat()).unwrap() {
        crate::daemon::Command::Run(options) => options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_file_the_defaults_hold() {
    let config = Config::load(&Options::default(), |name| match name {
        "HOME" => Some("/nowhere".into()),
        "XDG_RUNTIME_DIR" => Some("/r".into()),
        _ => None,
    })
    .unwrap();
    assert_eq!(config.profile, "default");
    assert_eq!(config.socket, Path::new("/r/msgd/default/msgd.sock"));
    assert_eq!(config.file, None);
    assert_eq!(config.net.listen.len(), 2);
    assert_eq!(config.net.epoch, Duration::from_secs(86_400));
    assert_eq!(config.store.reserve_bytes, 16 * 1024 * 1024);
    assert!(config.dbus.enabled);
    assert!(config.dht.on && config.dht.bootstrap.is_empty());
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let home = Home::with("[log]\nlevel = \"warn\"\n[net]\nmax_links = 3\nepoch_hours = 2\n");
    let vars = [("MSGD_LOG", "debug"), ("MSGD_MAX_LINKS", "4")];
    let config = home.load(&vars, &flags(&["--log", "trace"])).unwrap();
    assert_eq!(config.log.level, LogLevel::Trace);
    assert_eq!(config.net.max_links, 4);
    assert_eq!(config.net.epoch, Duration::from_secs(7200));
    assert_eq!(config.log.format, LogFormat::Auto);
    assert_eq!(config.file, Some(home.0.path().join("msgd/config.toml")));
}

#[test]
fn every_setting_can_be_set_in_every_way() {
    let home = Home::with(
        "[net]\nlisten = [\"127.0.0.1:7\"]\nadvertise = [\"[2001:db8::1]:8\"]\n\
         [dht]\nmode = \"off\"\nbootstrap = [\"dht.example:1\"]\n\
         [log]\nformat = \"text\"\n[dbus]\nenabled = false\n[store]\nreserve_mib = 2\n",
    );
    let from_file = home.load(&[], &Options::default()).unwrap();
    assert_eq!(from_file.net.listen, ["127.0.0.1:7".parse().unwrap()]);
    assert_eq!(
        from_file.net.advertise,
        ["[2001:db8::1]:8".parse().unwrap()]
    );
    assert!(!from_file.dht.on);
    assert_eq!(from_file.dht.bootstrap, ["dht.example:1"]);
    assert_eq!(from_file.log.format, LogFormat::Text);
    assert!(!from_file.dbus.enabled);
    assert_eq!(from_file.store.reserve_bytes, 2 << 20);

    let vars = [
        ("MSGD_LISTEN", "127.0.0.1:1, [::1]:2"),
        ("MSGD_ADVERTISE", "192.0.2.1:3"),
        ("MSGD_DHT", "off"),
        ("MSGD_DHT_BOOTSTRAP", "[2001:db8::1]:1, dht.example:2"),
        ("MSGD_LOG_FORMAT", "journal"),
        ("MSGD_DBUS", "true"),
        ("MSGD_RESERVE_MIB", "5"),
        ("MSGD_DATA_DIR", "/d"),
        ("MSGD_RUNTIME_DIR", "/run/x"),
        ("MSGD_PROFILE", "bob"),
        ("MSGD_EPOCH_HOURS", ""),
    ];
    let config = home.load(&vars, &Options::default()).unwrap();
    assert_eq!(config.profile, "bob");
    assert_eq!(config.net.listen.len(), 2);
    assert_eq!(config.net.advertise, ["192.0.2.1:3".parse().unwrap()]);
    assert!(!config.dht.on);
    assert_eq!(config.dht.bootstrap, ["[2001:db8::1]:1", "dht.example:2"]);
    assert_eq!(config.log.format, LogFormat::Journal);
    assert!(config.dbus.enabled);
    assert_eq!(config.store.reserve_bytes, 5 << 20);
    assert_eq!(config.paths.data, Path::new("/d"));
    assert_eq!(config.socket, Path::new("/run/x/msgd.sock"));

    let line = [
        "--data-dir",
        "/e",
        "--socket",
        "/s",
        "--no-dbus",
        "--listen",
        "[::1]:9",
    ];
    let config = home.load(&vars, &flags(&line)).unwrap();
    assert_eq!(config.paths.data, Path::new("/e"));
    assert_eq!(config.socket, Path::new("/s"));
    assert!(!config.dbus.enabled);
    assert_eq!(config.net.listen, ["[::1]:9".parse().unwrap()]);
}

#[test]
fn a_profile_has_a_file_of_its_own() {
    let home = Home::with("[log]\nlevel = \"error\"\n");
    let config = home
        .load(&[("MSGD_PROFILE", "bob")], &Options::default())
        .unwrap();
    assert_eq!(config.file, None);
    assert_eq!(config.log.level, LogLevel::Info);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_its_nearest_neighbour() {
    let cases = [
        (
            "[net]\n\nlisen = []\n",
            ":3: unknown key \"net.lisen\"; the nearest one is \"net.listen\"",
        ),
        (
            "[nett]\n",
            ":1: unknown table \"nett\"; the nearest one is \"net\"",
        ),
        (
            "# x\nmax_links = 4\n",
            ":2: unknown key \"max_links\"; the nearest one is \"net.max_links\"",
        ),
    ];
    for (text, fault) in cases {
        assert_eq!(Home::with(text).fault(), fault);
    }
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    let cases = [
        (
            "[net]\nmax_links = \"4\"\n",
            ":2: net.max_links: expected a whole number from 1 to 4096, found a string",
        ),
        (
            "[net]\nmax_links = 0\n",
            ":2: net.max_links: expected a whole number from 1 to 4096, found 0",
        ),
        (
            "[net]\nepoch_hours = 1.5\n",
            ":2: net.epoch_hours: expected a whole number from 1 to 168, found a number with a fraction",
        ),
        (
            "[dbus]\nenabled = 1\n",
            ":2: dbus.enabled: expected true or false, found a whole number",
        ),
        (
            "[log]\nlevel = \"loud\"\n",
            ":2: log.level: expected error, warn, info, debug or trace, found \"loud\"",
        ),
        (
            "[dht]\nmode = \"maybe\"\n",
            ":2: dht.mode: expected on or off, found \"maybe\"",
        ),
        (
            "[dht]\nbootstrap = [\"dht.example\"]\n",
            ":2: dht.bootstrap: \"dht.example\" is not a host with a port, as dht.example.org:6881",
        ),
        (
            "\nnet = 4\n",
            ":2: net is a table: write [net] on a line of its own",
        ),
    ];
    for (text, fault) in cases {
        assert_eq!(Home::with(text).fault(), fault);
    }
    let fault = Home::with("[net]\nlisten = [\"localhost\"]\n").fault();
    assert!(
        fault.starts_with(":2: net.listen: \"localhost\" is not"),
        "{fault}"
    );
    let fault = Home::with("[net]\n\nlisten = [\n").fault();
    assert!(fault.starts_with(":3: unclosed array"), "{fault}");
}

#[test]
fn a_wrong_variable_is_named() {
    let home = Home::with("");
    let error = home
        .load(&[("MSGD_MAX_LINKS", "many")], &Options::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "environment variable MSGD_MAX_LINKS: expected a whole number from 1 to 4096, found \"many\""
    );
}

#[test]
fn a_file_that_was_named_must_exist() {
    let home = Home::with("");
    let error = home
        .load(&[], &flags(&["--config", "/nowhere/msgd.toml"]))
        .unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }), "{error}");
}

#[test]
fn the_example_file_is_current_and_changes_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/config.example.toml");
    let committed = fs::read_to_string(&path).unwrap();
    assert_eq!(
        committed,
        example(),
        "packaging/config.example.toml should be:\n{}",
        example()
    );
    let defaults = Home::with("").load(&[], &Options::default()).unwrap();
    let open: String = example()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let mut config = Home::with(&open).load(&[], &Options::default()).unwrap();
    config.file.clone_from(&defaults.file);
    config.paths = defaults.paths.clone();
    assert_eq!(config, defaults);
    assert!(open.contains("\nreserve_mib = 16\n"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        let mut config = Config::defaults(
            "default".into(),
            Paths { data: "/d".into(), config: "/c".into(), runtime: "/r".into() },
        );
        let _ = file::apply(&mut config, Path::new("x"), &text);
    }
}
