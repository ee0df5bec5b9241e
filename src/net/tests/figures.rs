//! Measurements, run by hand: `cargo test --lib net::tests::figures -- --ignored --nocapture`.

#![expect(
    clippy::disallowed_methods,
    reason = "measures in microseconds, which the clock does not tell"
)]

use super::*;

/// Both transports have their figures: a route with a listener for one of them only.
async fn linked_over(on: fn(SocketAddr) -> Multiaddr) -> (Side, Puppet) {
    let mut b = side().await;
    b.knows(&[KEY], Vec::new());
    let puppet = Puppet::link(on(b.at())).await;
    assert!(b.up().await);
    (b, puppet)
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

async fn echo(name: &str, on: fn(SocketAddr) -> Multiaddr) {
    let (mut b, mut puppet) = linked_over(on).await;
    let mut times = Vec::new();
    for n in 0..2_000_u32 {
        let start = std::time::Instant::now();
        b.net.try_send(ROUTE, parcel(n as u8)).unwrap();
        let heard = puppet.hear().await.unwrap();
        puppet.say(&heard).await;
        let _ = b.frame().await;
        times.push(start.elapsed().as_micros() as u64);
    }
    times.sort_unstable();
    println!(
        "{name}: echo of a 4 KiB parcel p50 {} us, p99 {} us",
        percentile(&times, 50),
        percentile(&times, 99)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn echo_latency() {
    echo("TCP", transport::tcp_on).await;
    echo("QUIC", transport::quic_on).await;
}

async fn stream(name: &str, on: fn(SocketAddr) -> Multiaddr) {
    const FRAMES: usize = 20_000;
    let (b, mut puppet) = linked_over(on).await;
    let start = std::time::Instant::now();
    let send = async {
        for _ in 0..FRAMES {
            b.net.send(ROUTE, parcel(1)).await.unwrap();
        }
    };
    let receive = async {
        for n in 0..FRAMES {
            puppet.hear().await.unwrap();
            if n % 64 == 63 {
                puppet.say(&Frame::Custody(vec![[0; 16]; 64])).await;
            }
        }
    };
    let mut events = b.events;
    let drain = async { while events.recv().await.is_some() {} };
    tokio::select! {
        _ = async { futures::join!(send, receive) } => {}
        () = drain => {}
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {:.0} parcels of 4 KiB a second",
        FRAMES as f64 / seconds
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn throughput() {
    stream("TCP", transport::tcp_on).await;
    stream("QUIC", transport::quic_on).await;
}

/// Voluntary context switches of all threads: how often the process woke.
fn wake_ups() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let of = |entry: std::io::Result<std::fs::DirEntry>| {
        let status = std::fs::read_to_string(entry.ok()?.path().join("status")).ok()?;
        let line = status
            .lines()
            .find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    threads.filter_map(of).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn idle_cost() {
    let (_a, _b) = linked().await;
    let clock = Clock::system();
    clock.sleep(Duration::from_secs(15)).await;
    let before = wake_ups();
    clock.sleep(Duration::from_secs(30)).await;
    println!(
        "two idle linked rooms: {} wake-ups in 30 s",
        wake_ups() - before
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    for line in status
        .lines()
        .filter(|l| l.starts_with("Rss") || l.starts_with("Threads"))
    {
        println!("{line}");
    }
}
