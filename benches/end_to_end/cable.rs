//! Two network namespaces and the virtual cable between them.

use crate::Outcome;
use std::{fs, io, net::IpAddr, path::PathBuf, process::Command};

/// One end: the namespace's name and its address.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) namespace: String,
    pub(crate) address: IpAddr,
}

impl End {
    /// The file that stands for the namespace.
    pub(crate) fn file(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.namespace)
    }
}

/// Taken up again when dropped.
pub(crate) struct Cable([End; 2]);

impl Cable {
    /// Lays a cable where that is allowed and not declined.
    pub(crate) fn lay() -> Outcome<Option<Self>> {
        let declined = std::env::var("MSGD_BENCH_NETNS").is_ok_and(|value| value == "0");
        if declined || !rustix::process::geteuid().is_root() || ip(&["netns", "list"]).is_err() {
            return Ok(None);
        }
        let id = std::process::id();
        let end = |side: &str, address: [u8; 4]| End {
            namespace: format!("msgd-bench-{id}-{side}"),
            address: address.into(),
        };
        let cable = Self([end("a", [10, 77, 0, 2]), end("b", [10, 77, 0, 3])]);
        let [a, b] = &cable.0;
        let laid = || -> io::Result<()> {
            for end in [a, b] {
                ip(&["netns", "add", &end.namespace])?;
                ip(&["-n", &end.namespace, "link", "set", "lo", "up"])?;
            }
            ip(&[
                "-n",
                &a.namespace,
                "link",
                "add",
                "eth0",
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                &b.namespace,
            ])?;
            for end in [a, b] {
                let address = format!("{}/24", end.address);
                ip(&["-n", &end.namespace, "addr", "add", &address, "dev", "eth0"])?;
                ip(&["-n", &end.namespace, "link", "set", "eth0", "up"])?;
            }
            Ok(())
        };
        match laid() {
            Ok(()) => Ok(Some(cable)),
            Err(error) => {
                eprintln!("no network namespaces, staying on the loopback: {error}");
                Ok(None)
            }
        }
    }

    /// Its two ends.
    pub(crate) fn ends(&self) -> [End; 2] {
        self.0.clone()
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in &self.0 {
            // It may never have been made.
            let _ = ip(&["netns", "del", &end.namespace]);
        }
    }
}

/// Bytes that went over the cable, both ways, as the process at one end sees it.
pub(crate) fn wire_bytes(pid: u32) -> Outcome<u64> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/dev"))?;
    let line = table
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("eth0:"))
        .ok_or("no eth0")?;
    let numbers = line
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()?;
    Ok(numbers[0] + numbers[8])
}

fn ip(arguments: &[&str]) -> io::Result<()> {
    let done = Command::new("ip").args(arguments).output()?;
    if done.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&done.stderr);
        Err(io::Error::other(format!(
            "ip {}: {}",
            arguments.join(" "),
            said.trim()
        )))
    }
}
