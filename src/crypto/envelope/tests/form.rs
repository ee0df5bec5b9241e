//! Which packets a message may consist of.

use super::*;

#[test]
fn there_is_exactly_one_signature_and_one_literal() {
    let good = signed(&ALICE, proper());
    let (salt_a, salt_b) = ([1; 32], [2; 32]);
    let two = [
        announced(&ALICE, &salt_a, false),
        announced(&ALICE, &salt_b, true),
        literal().into(),
        signature(&ALICE, &salt_b, proper()).into(),
        signature(&ALICE, &salt_a, proper()).into(),
    ];
    assert_form(&encrypted(&two));
    assert_form(&encrypted(&[good.clone(), vec![good[2].clone()]].concat()));
    assert_form(&encrypted(&[good.clone(), vec![literal().into()]].concat()));
    assert_form(&encrypted(&[vec![literal().into()], good.clone()].concat()));
    assert_form(&encrypted(
        &[vec![Packet::Marker(Default::default())], good.clone()].concat(),
    ));
    assert_form(&encrypted(&[literal().into()]));
    assert_form(&encrypted(&good[..2]));
    assert_form(&encrypted(&good[1..]));
    assert_form(&encrypted(&[good[2].clone(), good[1].clone()]));
    assert_form(&encrypted(&[]));
}

#[test]
fn the_signature_is_the_one_announced() {
    let mut other_salt = signed(&ALICE, proper());
    other_salt[0] = announced(&ALICE, &[1; 32], true);
    assert_form(&encrypted(&other_salt));
    let salt = [3; 32];
    let more_to_come = [
        announced(&ALICE, &salt, false),
        literal().into(),
        signature(&ALICE, &salt, proper()).into(),
    ];
    assert_form(&encrypted(&more_to_come));
    let mut other_issuer = signed(&ALICE, proper());
    let Packet::OnePassSig(OnePassSig::V6(real)) = other_issuer[0].clone() else {
        unreachable!()
    };
    other_issuer[0] = announced(&EVE, real.salt(), true);
    assert_form(&encrypted(&other_issuer));
}

#[test]
fn nothing_stands_outside_the_signature() {
    let change = |change: fn(&mut Literal)| {
        let mut content = signed(&ALICE, proper());
        let mut literal = literal();
        change(&mut literal);
        content[1] = literal.into();
        encrypted(&content)
    };
    assert_eq!(bob_opens(&change(|_| ())).unwrap(), PAYLOAD);
    assert_form(&change(|l| assert!(l.set_filename("evil.sh").is_ok())));
    assert_form(&change(|l| assert!(l.set_date(packets::at(1)).is_ok())));
    assert_form(&change(|l| {
        assert_eq!(l.set_format(DataFormat::Unicode), DataFormat::Binary)
    }));

    let mut content = signed(&ALICE, proper());
    let Packet::Signature(signature) = &mut content[2] else {
        unreachable!()
    };
    signature
        .unhashed_area_mut()
        .add(notation("other@msgd", b"x", false))
        .unwrap();
    assert_form(&encrypted(&content));
}

#[test]
fn nothing_is_compressed_or_nested() {
    let content = packets::to_bytes(&signed(&ALICE, proper())).unwrap();
    let len = u32::try_from(content.len() + 1).unwrap().to_be_bytes();
    // Compressed data, algorithm "none".
    let compressed = [&[0xC8, 0xFF], len.as_slice(), &[0], &content].concat();
    assert_form(&encrypted_bytes(&compressed));
    assert_form(&compressed);
    assert_form(&encrypted_bytes(&to_bob()));
    assert_form(&content);
}

#[test]
fn other_ciphers_and_containers_are_refused() {
    use SymmetricAlgorithm::{AES128, AES256};
    assert_eq!(
        bob_opens(&encrypted_with(AES256, Some(AEADAlgorithm::OCB))).unwrap(),
        PAYLOAD
    );
    assert_form(&encrypted_with(AES256, None));
    assert_form(&encrypted_with(AES256, Some(AEADAlgorithm::EAX)));
    assert_form(&encrypted_with(AES128, Some(AEADAlgorithm::OCB)));
}

#[test]
fn the_outer_packets_are_fixed_too() {
    let message = to_bob();
    assert_form(&[message.as_slice(), &message].concat());
    assert_form(&[message.as_slice(), &[0]].concat());
    let marker = packets::to_bytes(&[Packet::Marker(Default::default())]).unwrap();
    assert_form(&[marker.as_slice(), &message].concat());
    assert_form(&[message.as_slice(), &marker].concat());
    assert_form(&[]);

    let session = session();
    assert_form(&for_bob(&session));
    let bob = BOB.cert();
    let named = PKESK6::for_recipient(&session, bob.subkey_for(NOW).unwrap()).unwrap();
    let mut open_name = packets::to_bytes(&[PKESK::from(named).into()])
        .unwrap()
        .to_vec();
    let content = packets::to_bytes(&signed(&ALICE, proper())).unwrap();
    encrypt_into(&mut open_name, session.clone(), &content).unwrap();
    assert_form(&open_name);

    let mut crowd = for_bob(&session).repeat(MAX_RECIPIENTS + 1);
    encrypt_into(&mut crowd, session, &content).unwrap();
    assert_form(&crowd);
}
