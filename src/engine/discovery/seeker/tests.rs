//! Tests of the rules by which people are looked for.

use super::*;
use crate::{
    crypto::{Secret, SeededRandom},
    engine::contacts::MeetingSecret,
    model::RouteId,
};

/// Noon of 2026-11-23, UTC.
const NOW: Timestamp = Timestamp(1_795_435_200_000);
const MINUTE: u64 = 60_000;

fn seeker(kind: RouteKind) -> Seeker {
    from_side(kind, true, 0)
}

fn from_side(kind: RouteKind, inviter: bool, spread_ms: u64) -> Seeker {
    let secret = MeetingSecret {
        secret: Secret::new([7; 32]),
        inviter,
    };
    let meeting = Meeting {
        route: RouteId([1; 16]),
        kind,
        secrets: vec![secret],
    };
    Seeker::new(Arc::new(meeting), false, spread_ms, 0)
}

fn here(port: u16) -> Whereabouts {
    Whereabouts {
        addresses: vec![([192, 0, 2, 1], port).into()],
    }
}

fn publish(seeker: &mut Seeker) -> SignedItem {
    let mut items = seeker.publish(&here(1), NOW, &mut SeededRandom::new(1));
    items.remove(0)
}

#[test]
fn an_invite_is_published_and_looked_under_at_once() {
    let mut invite = seeker(RouteKind::Invite);
    assert!(invite.wants_publishing(0) && invite.wants_look_up(0));
    publish(&mut invite);
    assert!(!invite.wants_publishing(0), "it is under way");
    invite.look_up(NOW);
    assert_eq!(invite.next_ms(), None);
}

#[test]
fn a_direct_dial_has_three_seconds_or_fails() {
    let mut request = seeker(RouteKind::Outgoing);
    assert_eq!(request.next_ms(), Some(PATIENCE_MS));
    request.dial_failed();
    assert!(request.wants_look_up(0) && request.wants_publishing(0));
}

#[test]
fn whoever_has_a_link_is_not_looked_for() {
    let mut contact = seeker(RouteKind::Contact);
    contact.set_waiting(true, 0);
    contact.dial_failed();
    assert!(contact.wants_look_up(0));
    contact.linked();
    assert_eq!(contact.next_ms(), None);
    contact.unlinked(1_000);
    assert_eq!(contact.next_ms(), Some(1_000 + PATIENCE_MS));
}

#[test]
fn a_contact_for_whom_nothing_waits_is_looked_for_late_and_rarely() {
    let mut contact = from_side(RouteKind::Contact, true, 500);
    assert_eq!(contact.next_ms(), Some(IDLE_PATIENCE_MS + 500));
    contact.look_up(NOW);
    contact.looked_up(true, 20_000, 0);
    assert!(!contact.wants_look_up(20_000 + 49 * MINUTE));
    assert!(contact.wants_look_up(20_000 + 50 * MINUTE));
}

#[test]
fn a_message_for_an_absent_contact_has_it_looked_for() {
    let mut contact = seeker(RouteKind::Contact);
    contact.dial_failed();
    contact.look_up(NOW);
    contact.looked_up(true, 20_000, u64::MAX);
    contact.set_waiting(true, 10 * MINUTE);
    assert!(contact.wants_look_up(10 * MINUTE));
    // But not again for each message.
    contact.look_up(NOW);
    contact.looked_up(true, 10 * MINUTE, u64::MAX);
    contact.set_waiting(false, 10 * MINUTE);
    contact.set_waiting(true, 10 * MINUTE + 1);
    assert!(!contact.wants_look_up(10 * MINUTE + 1));
}

#[test]
fn look_ups_grow_rarer_and_never_follow_at_once() {
    let mut request = seeker(RouteKind::Outgoing);
    let mut now = 0;
    let mut gaps = Vec::new();
    for _ in 0..14 {
        request.look_up(NOW);
        request.looked_up(true, now, 0);
        let next = request.look.from_ms;
        gaps.push(next - now);
        now = next;
    }
    assert_eq!(gaps[..3], [1_000, 2_000, 4_000]);
    assert_eq!(gaps.last(), Some(&(15 * MINUTE)));
}

#[test]
fn an_item_is_renewed_before_it_dies_and_when_the_epoch_changes() {
    for random in [0, u64::MAX / 2, u64::MAX] {
        let mut invite = seeker(RouteKind::Invite);
        publish(&mut invite);
        invite.published(true, 0, NOW, random);
        let next = invite.publish.from_ms;
        assert!((50 * MINUTE..=80 * MINUTE).contains(&next), "{next}");
        let left = millis(invite.places[0].rendezvous.until_next(NOW));
        let late = Timestamp(NOW.0 + i64::try_from(left).unwrap() - 1_000);
        publish(&mut invite);
        invite.published(true, 0, late, random);
        assert!((1_000..=1_000 + NEW_EPOCH_MS).contains(&invite.publish.from_ms));
        // Whoever has been away for long costs less.
        publish(&mut invite);
        invite.published(true, 2 * DAY_MS, NOW, random);
        let next = invite.publish.from_ms - 2 * DAY_MS;
        assert!((95 * MINUTE..=115 * MINUTE).contains(&next), "{next}");
    }
}

#[test]
fn a_publication_that_failed_is_repeated_with_growing_pauses() {
    let mut invite = seeker(RouteKind::Invite);
    publish(&mut invite);
    invite.published(false, 0, NOW, u64::MAX);
    let first = invite.publish.from_ms;
    publish(&mut invite);
    invite.published(false, 0, NOW, u64::MAX);
    assert_eq!(invite.publish.from_ms, 2 * first);
    publish(&mut invite);
    invite.published(false, 0, NOW, 0);
    assert!(invite.publish.from_ms >= PATIENCE_MS);
}

#[test]
fn a_change_of_network_starts_over() {
    let mut invite = seeker(RouteKind::Invite);
    let before = publish(&mut invite);
    invite.published(true, 0, NOW, 0);
    assert!(!invite.wants_publishing(1));
    invite.start_over();
    assert!(invite.wants_publishing(1));
    assert!(publish(&mut invite).seq > before.seq);
}

#[test]
fn a_change_of_network_is_not_forgotten_by_what_was_under_way() {
    let mut invite = seeker(RouteKind::Invite);
    publish(&mut invite);
    invite.look_up(NOW);
    invite.start_over();
    invite.published(true, 5_000, NOW, 0);
    invite.looked_up(true, 5_000, 0);
    assert!(invite.wants_publishing(5_000) && invite.wants_look_up(5_000));
    // The next ones count again.
    publish(&mut invite);
    invite.published(true, 9_000, NOW, 0);
    assert!(!invite.wants_publishing(9_001));
}

#[test]
fn what_a_seeker_never_began_says_nothing_of_it() {
    let mut invite = seeker(RouteKind::Invite);
    invite.published(true, 5_000, NOW, 0);
    invite.looked_up(true, 5_000, 0);
    assert!(invite.wants_publishing(5_000) && invite.wants_look_up(5_000));
}

#[test]
fn a_search_that_could_not_be_made_is_made_soon_and_in_the_same_place() {
    let mut contact = seeker(RouteKind::Contact);
    let first = contact.look_up(NOW);
    contact.looked_up(false, 20_000, u64::MAX);
    let next = contact.look.from_ms;
    assert!(
        (PATIENCE_MS..50 * MINUTE).contains(&(next - 20_000)),
        "{next}"
    );
    assert_eq!(contact.look_up(NOW), first);
}

#[test]
fn an_older_item_than_the_latest_is_passed_over() {
    let mut alice = from_side(RouteKind::Contact, true, 0);
    let mut bob = from_side(RouteKind::Contact, false, 0);
    let (old, new) = (publish(&mut alice), publish(&mut alice));
    let asked = bob.look_up(NOW)[0];
    assert_eq!(asked.key, old.key);
    assert_eq!(bob.open(asked, &old), Ok(Some(here(1))));
    assert_eq!(bob.open(asked, &new), Ok(Some(here(1))));
    assert_eq!(bob.open(asked, &old), Ok(None));
    assert_eq!(bob.open(asked, &new), Ok(Some(here(1))), "it may work now");
    let mut forged = new;
    forged.seq += 1;
    assert_eq!(bob.open(asked, &forged), Err(RendezvousError::NotTheirs));
}
