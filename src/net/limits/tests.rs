//! How strangers and contacts fare at the gate.

use super::*;

fn gate(change: impl FnOnce(&mut NetConfig)) -> Gate {
    let mut config = NetConfig::default();
    change(&mut config);
    Gate::new(config)
}

fn id(n: usize) -> ConnectionId {
    ConnectionId::new_unchecked(n)
}

/// An IPv4 address and no telling port.
fn ip(n: u32) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(n.into()), 0)
}

#[test]
fn one_address_is_held_to_its_burst_and_then_to_its_rate() {
    let mut gate = gate(|c| (c.burst_per_ip, c.rate_per_ip) = (5, 2));
    let mut try_at = |n: usize, now| {
        let let_in = gate.arrive(id(n), ip(1), now);
        gate.forget(id(n));
        let_in
    };
    assert!((0..5).all(|n| try_at(n, 0)));
    assert!(!try_at(5, 0));
    assert!(!try_at(6, 499));
    assert!(try_at(7, 500));
    assert!(!try_at(8, 500));
}

#[test]
fn neighbours_in_one_ipv6_network_share_a_budget_and_strangers_do_not() {
    let mut gate = gate(|c| c.burst_per_ip = 1);
    assert!(gate.arrive(id(1), "[2001:db8::1]:0".parse().unwrap(), 0));
    assert!(!gate.arrive(id(2), "[2001:db8::2]:0".parse().unwrap(), 0));
    assert!(gate.arrive(id(3), "[2001:db8:0:1::1]:0".parse().unwrap(), 0));
}

#[test]
fn the_oldest_stranger_makes_room_for_a_newcomer_but_a_proven_link_never_does() {
    let mut gate = gate(|c| c.max_unproven = 3);
    for n in 1..=4 {
        assert!(gate.arrive(id(n), ip(9), 0));
    }
    assert_eq!(gate.establish(id(1)), None);
    gate.prove(id(1), 0);
    for n in 2..=4 {
        assert_eq!(gate.establish(id(n)), None);
    }
    assert!(gate.arrive(id(5), ip(8), 0));
    assert_eq!(gate.establish(id(5)), Some(id(2)));
    gate.forget(id(2));
    assert_eq!(gate.unproven(), 3);
}

#[test]
fn a_failed_proof_costs_more_than_a_connection() {
    let mut gate = gate(|c| (c.burst_per_ip, c.failed_proof_cost) = (6, 4));
    assert!(gate.arrive(id(1), ip(1), 0));
    gate.fail(id(1), 0);
    gate.forget(id(1));
    assert!(gate.arrive(id(2), ip(1), 0));
    assert!(!gate.arrive(id(3), ip(1), 0));
}

#[test]
fn a_flood_from_countless_addresses_leaves_bounded_memory_and_no_counts() {
    let mut gate = gate(|_| {});
    for n in 0..100_000 {
        gate.arrive(id(n as usize), ip(n), 0);
        let _ = gate.establish(id(n as usize));
        gate.forget(id(n as usize));
    }
    assert!(gate.sources.len() <= MAX_SOURCES + 1);
    assert!(gate.waiting.len() <= 2 * gate.config.max_unproven + 1);
    assert!(gate.connections.is_empty());
    assert_eq!(gate.unproven(), 0);
    // Once the flood is over, addresses count one by one again.
    assert!(gate.arrive(id(0), ip(200_000), 3_600_000));
    assert!(gate.sources.len() < 3);
}

#[test]
fn strangers_at_the_same_address_do_not_shut_out_who_has_proven_themselves_there() {
    let mut gate = gate(|c| (c.burst_per_ip, c.rate_per_ip) = (3, 1));
    let contact = SocketAddr::new(ip(1).ip(), 4_001);
    assert!(gate.arrive(id(1), contact, 0));
    assert_eq!(gate.establish(id(1)), None);
    gate.prove(id(1), 0);
    gate.forget(id(1));
    // The proof has given back what it took.
    for n in 2..5 {
        assert!(gate.arrive(id(n), ip(1), 0));
    }
    assert!(!gate.arrive(id(5), ip(1), 0));
    for n in 6..6 + RESERVE as usize {
        assert!(gate.arrive(id(n), contact, 0));
    }
    assert!(!gate.arrive(id(20), contact, 0), "a little, not everything");
    assert!(gate.arrive(id(21), contact, 2_000));
}

#[test]
fn whoever_holds_the_key_and_chose_another_connection_is_charged_nothing() {
    let mut gate = gate(|c| c.burst_per_ip = 1);
    for n in 0..10 {
        assert!(gate.arrive(id(n), ip(1), 0));
        let _ = gate.establish(id(n));
        gate.decline(id(n), 0);
        gate.forget(id(n));
    }
}

#[test]
fn a_closed_gate_lets_nobody_in() {
    let mut gate = gate(|_| {});
    gate.close();
    assert!(!gate.arrive(id(1), ip(1), 0));
    assert_eq!(gate.refused(), 1);
}
