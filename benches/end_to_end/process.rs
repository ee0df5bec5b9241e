//! What the kernel knows about a process.

use crate::Outcome;
use std::{collections::BTreeMap, fs, time::Duration};

/// The kernel tells user space hundredths of a second, whatever it counts in itself.
const TICK_MS: u64 = 10;

/// Voluntary context switches and CPU time of one thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thread {
    pub(crate) name: String,
    pub(crate) switches: u64,
    pub(crate) cpu: Duration,
}

/// Every thread that lives now, by its id.
pub(crate) fn threads(pid: u32) -> Outcome<BTreeMap<u32, Thread>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = entry?.path();
        let read = |file: &str| fs::read_to_string(path.join(file));
        // A thread may end while it is looked at.
        let (Ok(name), Ok(status), Ok(times)) = (read("comm"), read("status"), read("schedstat"))
        else {
            continue;
        };
        let id = path.file_name().and_then(|id| id.to_str()).ok_or("no id")?;
        let ran = times.split_whitespace().next().ok_or("no time")?.parse()?;
        let thread = Thread {
            name: name.trim().to_owned(),
            switches: field(&status, "voluntary_ctxt_switches:")?,
            cpu: Duration::from_nanos(ran),
        };
        found.insert(id.parse()?, thread);
    }
    Ok(found)
}

/// CPU time since the start, threads that have ended included.
pub(crate) fn cpu(pid: u32) -> Outcome<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(')').ok_or("no name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * TICK_MS))
}

/// Kibibytes under `key` (`Pss:`, `Rss:`), all mappings together.
pub(crate) fn memory_kib(pid: u32, key: &str) -> Outcome<u64> {
    field(
        &fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?,
        key,
    )
}

fn field(text: &str, key: &str) -> Outcome<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or_else(|| format!("no {key}"))?;
    Ok(value.parse()?)
}
