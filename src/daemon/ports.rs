//! Turns "port 0" into a port that is picked once and kept, so that the addresses in
//! invites stay true across restarts.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    path::Path,
};

use crate::base::write_atomic;

/// How often another port is tried before the machine is believed to have none.
const TRIES: usize = 32;

/// `listen` with each port 0 replaced by the port kept in `file`; a new one is picked and
/// written there if there is none yet, or if somebody else has taken it meanwhile.
///
/// One port serves all such addresses, by UDP and TCP. Between this look and the real
/// binding another program may still take it: binding then fails and says so.
///
/// # Errors
/// What the system or the file system says.
pub fn settle_ports(listen: &[SocketAddr], file: &Path) -> io::Result<Vec<SocketAddr>> {
    let open: Vec<IpAddr> = listen
        .iter()
        .filter(|address| address.port() == 0)
        .map(SocketAddr::ip)
        .collect();
    if open.is_empty() {
        return Ok(listen.to_vec());
    }
    let port = match kept(file)?.filter(|port| is_free(&open, *port)) {
        Some(port) => port,
        None => {
            let port = pick(&open)?;
            write_atomic(file, format!("{port}\n").as_bytes())?;
            port
        }
    };
    let settle = |address: &SocketAddr| match address.port() {
        0 => SocketAddr::new(address.ip(), port),
        _ => *address,
    };
    Ok(listen.iter().map(settle).collect())
}

fn kept(file: &Path) -> io::Result<Option<u16>> {
    match std::fs::read_to_string(file) {
        // A damaged file costs a new port and nothing else.
        Ok(text) => Ok(text.trim().parse().ok().filter(|port| *port != 0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn pick(ips: &[IpAddr]) -> io::Result<u16> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        // The first address that the machine knows chooses: IPv6 may be switched off.
        let chosen = ips
            .iter()
            .map(|ip| TcpListener::bind((*ip, 0)).and_then(|socket| socket.local_addr()))
            .reduce(|a, b| a.or(b));
        match chosen {
            Some(Ok(address)) if is_free(ips, address.port()) => return Ok(address.port()),
            Some(Err(error)) => last = error,
            _ => {}
        }
    }
    Err(last)
}

/// Whether nobody has `port` on any of `ips`.
fn is_free(ips: &[IpAddr], port: u16) -> bool {
    ips.iter().all(|ip| {
        let tcp = TcpListener::bind((*ip, port)).map(drop);
        let udp = UdpSocket::bind((*ip, port)).map(drop);
        // Only "in use" speaks against the port. An address that the machine does not have
        // is the network room's to report.
        let taken = |result: io::Result<()>| {
            result.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
        };
        !taken(tcp) && !taken(udp)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(listen: &[&str], file: &Path) -> Vec<SocketAddr> {
        let listen: Vec<_> = listen.iter().map(|one| one.parse().unwrap()).collect();
        settle_ports(&listen, file).unwrap()
    }

    #[test]
    fn a_port_is_picked_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("port");
        let first = settle(&["127.0.0.1:0", "[::1]:7"], &file);
        assert_ne!(first[0].port(), 0);
        assert_eq!(first[1].port(), 7);
        assert_eq!(settle(&["127.0.0.1:0", "[::1]:7"], &file), first);
    }

    #[test]
    fn a_port_that_somebody_took_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("port");
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        std::fs::write(&file, format!("{port}\n")).unwrap();
        let settled = settle(&["127.0.0.1:0"], &file);
        assert_ne!(settled[0].port(), port);
        assert_eq!(kept(&file).unwrap(), Some(settled[0].port()));
    }

    #[test]
    fn a_damaged_file_costs_a_new_port_only() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("port");
        for text in ["", "0\n", "70000\n", "port\n"] {
            std::fs::write(&file, text).unwrap();
            assert_ne!(settle(&["127.0.0.1:0"], &file)[0].port(), 0);
        }
    }

    #[test]
    fn fixed_ports_touch_no_file() {
        assert_eq!(
            settle(&["127.0.0.1:9"], Path::new("/nowhere/port"))[0].port(),
            9
        );
    }
}
