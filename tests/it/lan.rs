//! Contacts who share a network and nothing else: no address that anybody was told leads
//! anywhere. The network is this machine's loopback.

use crate::world::Daemon;

/// A port that nobody else looks at.
fn meeting_place() -> u16 {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    free.expect("a free port").port()
}

#[tokio::test]
async fn two_people_on_one_network_meet_by_an_invite_and_find_each_other_again() {
    let port = meeting_place();
    let (mut alice, mut bob) = tokio::join!(
        Daemon::ready_to_be_found("Alice", port),
        Daemon::ready_to_be_found("Bob", port)
    );
    let (_, link) = alice.invite(true).await;
    bob.add(&link).await.expect("the link is good");
    bob.knows("Alice").await;
    let first = bob.send("Alice", "we are neighbours").await;
    bob.is_delivered(&first).await;
    alice.knows("Bob").await;

    // Both come back at ports that nobody was told.
    alice.kill();
    bob.kill();
    for daemon in [&mut alice, &mut bob] {
        let _ = std::fs::remove_file(daemon.data_dir().join("port"));
        daemon.start().await;
    }
    let again = alice.send("Bob", "still here").await;
    alice.is_delivered(&again).await;
    alice.hears("Bob", &["we are neighbours"]).await;
    bob.hears("Alice", &["still here"]).await;
}
