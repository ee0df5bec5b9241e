//! Which systemd unit this process runs in.

/// The name of the service that this process runs in, such as `msgd.service`; `None` if it was
/// started in another way.
#[must_use]
pub fn own_unit() -> Option<String> {
    unit_in(&std::fs::read_to_string("/proc/self/cgroup").ok()?)
}

/// The service that `cgroups` names (`/proc/self/cgroup`, see cgroups(7)): the innermost group,
/// if that is a service of the user's manager or of the system's. A terminal's own service is
/// the desktop's way of starting programs, and ends with it.
fn unit_in(cgroups: &str) -> Option<String> {
    let paths = cgroups
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2));
    let innermost = paths.filter_map(|path| path.rsplit('/').next());
    innermost
        .filter(|name| name.starts_with("msgd") && name.ends_with(".service"))
        .map(str::to_owned)
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_told_from_a_terminal_and_a_session() {
        let user = "0::/user.slice/user-1000.slice/user@1000.service";
        let named = |rest: &str| unit_in(&format!("{user}{rest}\n"));
        assert_eq!(
            named("/background.slice/msgd.service").as_deref(),
            Some("msgd.service")
        );
        assert_eq!(
            named("/app.slice/msgd@bob.service").as_deref(),
            Some("msgd@bob.service")
        );
        assert_eq!(named("/app.slice/app-terminal-1.scope"), None);
        assert_eq!(named(""), None);
        assert_eq!(
            unit_in("0::/user.slice/user-1000.slice/session-2.scope\n"),
            None
        );
        assert_eq!(unit_in("0::/\n"), None);
        assert_eq!(unit_in(""), None);
    }
}
