//! Who is believed: the right author, writing to this device, in this conversation.

use super::*;

#[test]
fn only_the_expected_author_is_believed() {
    assert_eq!(
        bob_opens(&encrypted(&signed(&EVE, proper()))),
        Err(OpenError::BadSignature)
    );
    // Eve's signature under Alice's name.
    let alice = ALICE.signer().public().fingerprint();
    let mut subpackets = proper();
    let named = SubpacketValue::IssuerFingerprint(alice);
    subpackets.push(Subpacket::new(named, true).unwrap());
    let mut forged = signed(&EVE, subpackets);
    forged[0] = match (&forged[0], announced(&ALICE, &[], true)) {
        (
            Packet::OnePassSig(OnePassSig::V6(eve)),
            Packet::OnePassSig(OnePassSig::V6(mut alice)),
        ) => {
            alice.set_salt(eve.salt().to_vec());
            OnePassSig::from(alice).into()
        }
        _ => unreachable!(),
    };
    assert_eq!(bob_opens(&encrypted(&forged)), Err(OpenError::BadSignature));
    // Alice's signature over other words.
    let mut changed = signed(&ALICE, proper());
    let mut other = Literal::new(DataFormat::Binary);
    other.set_body(b"Come at ten.".to_vec());
    changed[1] = other.into();
    assert_eq!(
        bob_opens(&encrypted(&changed)),
        Err(OpenError::BadSignature)
    );
}

#[test]
fn a_message_for_somebody_else_cannot_be_passed_on() {
    let not_addressed = Err(OpenError::NotAddressed);
    let with = |recipients: Vec<Subpacket>| {
        let subpackets = [recipients, vec![context(&CONTEXT, true)]].concat();
        bob_opens(&encrypted(&signed(&ALICE, subpackets)))
    };
    assert_eq!(with(vec![]), not_addressed, "no recipient named");
    assert_eq!(
        with(vec![recipient(&EVE, true)]),
        not_addressed,
        "what Eve got, passed on"
    );
    assert_eq!(
        with(vec![recipient(&BOB, false)]),
        not_addressed,
        "not critical"
    );
    let mixed = vec![recipient(&BOB, true), recipient(&EVE, false)];
    assert_eq!(with(mixed), not_addressed, "one of them not critical");
}

#[test]
fn each_session_key_is_for_somebody_whom_the_author_names() {
    let content = packets::to_bytes(&signed(&ALICE, proper())).unwrap();
    let session = session();
    // What would cost Bob a try with each of his keys, for nobody.
    let mut padded = for_bob(&session).repeat(2);
    encrypt_into(&mut padded, session, &content).unwrap();
    assert_form(&padded);
    let two = vec![recipient(&BOB, true), recipient(&EVE, true)];
    let subpackets = [two, vec![context(&CONTEXT, true)]].concat();
    assert_form(&encrypted(&signed(&ALICE, subpackets)));
}

#[test]
fn a_message_belongs_to_one_conversation() {
    let wrong = Err(OpenError::WrongContext);
    let with = |contexts: Vec<Subpacket>| {
        let subpackets = [vec![recipient(&BOB, true)], contexts].concat();
        bob_opens(&encrypted(&signed(&ALICE, subpackets)))
    };
    assert_eq!(with(vec![]), wrong, "none");
    assert_eq!(with(vec![context(&[8; 32], true)]), wrong, "another");
    assert_eq!(
        with(vec![context(&CONTEXT[..31], true)]),
        wrong,
        "cut short"
    );
    assert_eq!(with(vec![context(&CONTEXT, false)]), wrong, "not critical");
    let twice = vec![context(&CONTEXT, true), context(&[8; 32], true)];
    assert_eq!(with(twice), wrong, "two");
}

#[test]
fn a_signature_may_demand_nothing_unknown() {
    let with = |more: Subpacket| encrypted(&signed(&ALICE, [proper(), vec![more]].concat()));
    assert_form(&with(notation("other@msgd", b"x", true)));
    let expires =
        SubpacketValue::SignatureExpirationTime(Duration::from_secs(60).try_into().unwrap());
    assert_form(&with(Subpacket::new(expires, false).unwrap()));
    let harmless = with(notation("other@msgd", b"x", false));
    assert_eq!(bob_opens(&harmless).unwrap(), PAYLOAD);
}

#[test]
fn a_statement_is_not_an_envelope() {
    let detached = ALICE.sign("purpose", PAYLOAD).unwrap();
    assert_form(&detached);
    let mut content = signed(&ALICE, proper());
    content[2] = packets::flat(&detached, 1).unwrap().remove(0);
    assert_form(&encrypted(&content));
}
