//! What can be seen of the network: by a person, by a program, by a scraper; and what cannot.

use crate::deeds::alice_and_bob;
use crate::open_metrics::parse;
use crate::world::{Daemon, PATIENCE};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

fn said(daemon: &Daemon, line: &[&str]) -> String {
    let output = daemon.msgctl(line);
    assert!(output.status.success(), "{line:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn network(daemon: &Daemon) -> Value {
    serde_json::from_str(&said(daemon, &["net", "--json"])).expect("JSON")
}

fn number(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or_else(|| panic!("{name}: {of}"))
}

/// What the only link has moved, in and out.
fn moved(daemon: &Daemon) -> (u64, u64) {
    let network = network(daemon);
    let links = network["links"].as_array().expect("links");
    assert_eq!(links.len(), 1, "{network}");
    (
        number(&links[0], "bytes_in"),
        number(&links[0], "bytes_out"),
    )
}

/// What the socket answers to plain HTTP: the head, and the body.
async fn scrape(daemon: &Daemon) -> (String, String) {
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let asked = async {
        let mut socket = UnixStream::connect(daemon.socket()).await.expect("there");
        socket.write_all(request).await.expect("written");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        answer
    };
    let answer = timeout(PATIENCE, asked).await.expect("answered in time");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn a_link_is_seen_with_its_path_and_what_it_moved() {
    let (alice, bob) = alice_and_bob().await;
    bob.is_linked_to("Alice").await;
    let (alices, bobs) = (network(&alice), network(&bob));
    let link = &alices["links"][0];
    assert_eq!(link["name"], "Bob", "{alices}");
    assert_eq!(link["path"], "direct", "{alices}");
    let over = link["transport"].as_str().expect("a transport");
    assert!(["quic", "tcp"].contains(&over), "{alices}");
    let called = [&alices, &bobs].map(|one| one["links"][0]["inbound"].as_bool());
    assert!(called.contains(&Some(true)) && called.contains(&Some(false)));
    assert_eq!(alices["listen"][0]["scope"], "loopback", "{alices}");
    // The loopback alone is no network to look for contacts on.
    assert_eq!(alices["lan"], "no_network", "{alices}");
    assert_eq!(alices["dht"], "off", "{alices}");
    assert_eq!(alices["mailboxes_used"], 0, "{alices}");

    let before = (moved(&alice), moved(&bob));
    bob.is_delivered(&bob.send("Alice", "hello").await).await;
    let after = (moved(&alice), moved(&bob));
    assert!(
        after.0.0 > before.0.0,
        "Alice took it: {before:?} {after:?}"
    );
    assert!(after.0.1 > before.0.1, "and said so: {before:?} {after:?}");
    assert!(
        after.1.1 - before.1.1 > 4_000,
        "a parcel went: {before:?} {after:?}"
    );
    let traffic = network(&bob)["traffic"].clone();
    let direct = traffic.as_array().expect("traffic").iter();
    let mut direct = direct.filter(|one| one["path"] == "direct");
    let direct = direct.next().expect("an entry a path");
    assert!(number(direct, "bytes_out") >= after.1.1, "{traffic}");
    assert!(said(&bob, &["net"]).contains("Alice"));
}

#[tokio::test]
async fn what_is_scrubbed_says_neither_who_nor_where() {
    let (alice, bob) = alice_and_bob().await;
    alice.is_linked_to("Bob").await;
    let contact = alice.knows("Bob").await.id;
    let at = bob.address().await.to_string();
    let own = alice.address().await.to_string();
    let port = own.rsplit(':').next().expect("a port").to_owned();
    let open = said(&alice, &["net", "--json"]);
    for shown in [contact.as_str(), "Bob", own.as_str()] {
        assert!(open.contains(shown), "{shown} in {open}");
    }
    for line in [&["net", "--scrub"][..], &["net", "--scrub", "--json"]] {
        let text = said(&alice, line);
        assert!(
            text.contains("loopback") && text.contains("direct"),
            "{text}"
        );
        for secret in [
            contact.as_str(),
            "Bob",
            "Alice",
            "127.0.0.1",
            &at,
            &own,
            &port,
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert_eq!(said(&alice, &["net", "--scrub", "--quiet"]), "");
    // Locked, links are still seen, without names.
    said(&alice, &["vault", "lock"]);
    let locked = network(&alice);
    assert_eq!(locked["links"][0]["contact"], contact, "{locked}");
    assert_eq!(locked["links"][0]["name"], "", "{locked}");
    assert_eq!(locked["mailboxes_used"], Value::Null, "{locked}");
}

#[tokio::test]
async fn a_scraper_gets_figures_that_name_nobody() {
    let (alice, bob) = alice_and_bob().await;
    bob.is_linked_to("Alice").await;
    let (head, body) = scrape(&bob).await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.contains(kind), "{head}");
    let before = parse(&body).expect("OpenMetrics");
    bob.is_delivered(&bob.send("Alice", "hello").await).await;
    let (_, body) = scrape(&bob).await;
    assert!(body.ends_with("# EOF\n"));
    let after = parse(&body).expect("OpenMetrics");
    let rise = |series: &str| {
        let value = |of: &std::collections::BTreeMap<String, u64>| of.get(series).copied();
        let (Some(before), Some(after)) = (value(&before), value(&after)) else {
            panic!("no {series} in {body}");
        };
        after - before
    };
    assert_eq!(rise("msgd_messages_total{state=\"written\"}"), 1);
    assert_eq!(rise("msgd_messages_total{state=\"delivered\"}"), 1);
    assert!(rise("msgd_events_total{type=\"receipt\"}") >= 1);
    let out = "msgd_link_bytes_total{path=\"direct\",direction=\"out\"}";
    assert!(rise(out) > 4_000);
    let links = ["quic", "tcp"]
        .map(|over| after[&format!("msgd_links{{path=\"direct\",transport=\"{over}\"}}")]);
    assert_eq!(links.iter().sum::<u64>(), 1, "{body}");
    assert_eq!(after["msgd_outbox_rows"], 0);
    assert!(after["msgd_store_bytes"] > 0 && after["msgd_disk_free_bytes"] > 0);
    let ids = [alice.knows("Bob").await.id, bob.knows("Alice").await.id];
    for secret in ["Alice", "Bob", "127.0.0.1", &ids[0], &ids[1]] {
        assert!(!body.contains(secret), "{secret} in {body}");
    }
}

#[tokio::test]
async fn the_doctor_looks_at_network_clock_socket_disk_and_unit() {
    let alice = Daemon::ready("Alice").await;
    let doctor: Value = serde_json::from_str(&said(&alice, &["doctor", "--json"])).expect("JSON");
    let findings = doctor["findings"].as_array().expect("findings");
    let level = |check: &str| {
        let mut found = findings.iter().filter(|one| one["check"] == check);
        let found = found
            .next()
            .unwrap_or_else(|| panic!("no {check}: {doctor}"));
        found["level"].as_str().expect("a level").to_owned()
    };
    for check in ["vault", "dht", "clock", "socket", "store"] {
        assert_eq!(level(check), "ok", "{check}: {doctor}");
    }
    assert_eq!(level("network"), "warning", "only this machine: {doctor}");
    assert_eq!(level("lan"), "warning", "{doctor}");
    for check in ["route", "disk", "unit"] {
        level(check);
    }
    assert!(
        !findings.iter().any(|one| one["check"] == "relay"),
        "{doctor}"
    );
    let text = doctor.to_string();
    for secret in ["Alice", "127.0.0.1", &alice.home().display().to_string()] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
