//! Deliveries: no input, in no order, makes the machine lie.

use proptest::prelude::*;

use super::*;
use crate::crypto::SeededRandom;

fn inputs() -> impl Strategy<Value = Input> {
    prop::sample::select(vec![
        Input::LinkUp,
        Input::HandedToLink,
        Input::Custody,
        Input::Receipt,
        Input::CannotOpen,
        Input::LinkLost,
        Input::DialFailed(FailureReason::Unreachable),
        Input::DialFailed(FailureReason::NotThem),
        Input::Timeout,
        Input::WakeEvent,
        Input::Cancel,
        Input::Expire,
        Input::Block,
    ])
}

fn run(machine: &mut DeliveryMachine, inputs: &[(Input, i64)]) -> Vec<Outputs> {
    let mut rng = SeededRandom::new(7);
    let mut now = 0;
    let mut step = |(input, ms): &(Input, i64)| {
        now += ms;
        machine.step(*input, Timestamp(now), &mut rng)
    };
    inputs.iter().map(&mut step).collect()
}

proptest! {
    #[test]
    fn no_sequence_leaves_a_final_state_or_invents_a_delivery(
        inputs in prop::collection::vec((inputs(), 0..60_000_i64), 0..60),
    ) {
        let mut machine = DeliveryMachine::queued();
        let mut rng = SeededRandom::new(1);
        let (mut now, mut handed, mut finished) = (0, false, 0);
        for (input, ms) in inputs {
            now += ms;
            let before = machine;
            let out = machine.step(input, Timestamp(now), &mut rng);
            if before.state.is_final() {
                prop_assert_eq!(machine, before);
                prop_assert!(!out.hand_to_link && !out.store && !out.finished);
            }
            finished += u32::from(out.finished);
            if machine.state == DeliveryState::Delivered && before.state != machine.state {
                prop_assert_eq!(input, Input::Receipt);
            }
            if machine.state == DeliveryState::Stored && before.state != machine.state {
                prop_assert_eq!(input, Input::Custody);
            }
            if before.state == DeliveryState::Stored {
                prop_assert!(machine.state == DeliveryState::Stored || machine.state.is_final());
            }
            handed |= out.hand_to_link || matches!(input, Input::HandedToLink | Input::Custody);
            if input == Input::Cancel && !before.state.is_final() {
                prop_assert_eq!(out.refused, handed);
                prop_assert_eq!(machine.state == DeliveryState::Cancelled, !handed);
            }
            prop_assert!(!out.hand_to_link || machine.handed);
            prop_assert_eq!(out.announce, before.state != machine.state);
            prop_assert!(machine.next_at.is_none_or(|next| next <= Timestamp(now).after(DIRECT.cap)));
        }
        prop_assert!(finished <= 1);
    }

    // Whatever came before, a link that works delivers, unless the row has ended.
    #[test]
    fn a_working_link_delivers(inputs in prop::collection::vec((inputs(), 0..60_000_i64), 0..30)) {
        let mut machine = DeliveryMachine::queued();
        run(&mut machine, &inputs);
        if machine.state.is_final() {
            return Ok(());
        }
        let outs = run(&mut machine, &[(Input::LinkLost, 0), (Input::LinkUp, 1)]);
        prop_assert!(outs[1].hand_to_link);
        run(&mut machine, &[(Input::HandedToLink, 2), (Input::Receipt, 3)]);
        prop_assert_eq!(machine.state, DeliveryState::Delivered);
    }

    // A machine that waits always says until when, or waits for a link.
    #[test]
    fn nothing_waits_for_ever(inputs in prop::collection::vec((inputs(), 0..60_000_i64), 0..30)) {
        let mut machine = DeliveryMachine::queued();
        run(&mut machine, &inputs);
        if machine.is_in_flight() {
            prop_assert!(machine.next_at.is_some());
            let due = machine.next_at.expect("just seen");
            let mut rng = SeededRandom::new(3);
            machine.step(Input::Timeout, due, &mut rng);
            prop_assert!(!machine.is_in_flight());
            let due = machine.next_at.expect("a next try");
            prop_assert!(machine.step(Input::Timeout, due, &mut rng).hand_to_link);
        }
    }
}

#[test]
fn an_unanswered_parcel_is_handed_over_again_with_the_next_try() {
    let mut machine = DeliveryMachine::queued();
    let outs = run(
        &mut machine,
        &[
            (Input::LinkUp, 0),
            (Input::HandedToLink, 0),
            (Input::Timeout, 29_999),
            (Input::Timeout, 1),
            (Input::Timeout, 5_000),
        ],
    );
    assert!(outs[0].hand_to_link);
    assert!(outs[1].announce);
    assert_eq!(outs[2], Outputs::default());
    assert!(outs[3].announce && !outs[3].hand_to_link);
    assert!(outs[4].hand_to_link);
    assert_eq!(machine.attempts, 1);
    assert_eq!(machine.reason, Some(FailureReason::NoAnswer));
}

#[test]
fn nothing_can_be_taken_back_once_it_may_have_arrived() {
    let mut machine = DeliveryMachine::queued();
    run(
        &mut machine,
        &[(Input::LinkUp, 0), (Input::HandedToLink, 0)],
    );
    let restored = DeliveryMachine::restored(machine.state, 0, None, machine.next_at, true);
    for mut machine in [machine, restored] {
        let outs = run(&mut machine, &[(Input::LinkLost, 0), (Input::Cancel, 0)]);
        assert!(outs[1].refused);
        assert_eq!(machine.state, DeliveryState::Queued);
    }
    let mut fresh = DeliveryMachine::queued();
    assert!(run(&mut fresh, &[(Input::Cancel, 0)])[0].finished);
    assert!(run(&mut fresh, &[(Input::Cancel, 0)])[0].refused);
}
