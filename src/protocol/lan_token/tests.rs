//! Who hears whom, and what others make of it.

use super::*;
use crate::crypto::SeededRandom;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_795_435_200_000);

fn secret(n: u64) -> Secret<32> {
    Secret::random(&mut SeededRandom::new(n))
}

/// The keys of side A and side B under secret number `n`.
fn pair(n: u64) -> (LanKeys, LanKeys) {
    (
        LanKeys::derive(&secret(n), true),
        LanKeys::derive(&secret(n), false),
    )
}

fn listener(keys: Vec<(u64, LanKeys)>) -> LanListener<u64> {
    let mut listener = LanListener::default();
    listener.listen_for(keys);
    listener
}

fn one_query(keys: &LanKeys, seed: u64) -> (Vec<u8>, LanAsked<u64>) {
    let mut queries = lan_ask(&[(5, keys)], NOW, &mut SeededRandom::new(seed));
    queries.pop().unwrap()
}

fn at(minutes: i64) -> Timestamp {
    Timestamp(NOW.0 + minutes * 60_000)
}

fn addresses() -> Vec<SocketAddr> {
    vec![
        "192.0.2.7:4001".parse().unwrap(),
        "[2001:db8::7]:4002".parse().unwrap(),
    ]
}

#[test]
fn who_is_asked_for_replies_and_is_found() {
    for inviter_asks in [true, false] {
        let (a, b) = pair(1);
        let (asks, answers) = if inviter_asks { (a, b) } else { (b, a) };
        let (query, mut asked) = one_query(&asks, 1);
        let mut listener = listener(vec![(9, pair(2).0), (3, answers)]);
        let heard = listener.hear(&query, NOW);
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].who, 3);
        let reply = heard[0].reply(&addresses(), &mut SeededRandom::new(2));
        assert_eq!(reply.len(), LAN_REPLY_BYTES);
        assert_eq!(asked.read(&reply), Some((5, addresses())));
    }
}

#[test]
fn nobody_hears_what_comes_from_their_own_side() {
    let (a, _) = pair(1);
    let (query, _) = one_query(&a, 1);
    assert!(listener(vec![(1, a)]).hear(&query, NOW).is_empty());
}

#[test]
fn a_query_is_heard_in_its_minute_and_those_beside_it() {
    let (a, b) = pair(1);
    let (query, _) = one_query(&a, 1);
    for minutes in -3..=3 {
        let heard = listener(vec![(1, b.clone())]).hear(&query, at(minutes));
        assert_eq!(heard.len() == 1, minutes.abs() <= 1, "{minutes}");
    }
}

#[test]
fn a_repeated_query_gets_silence_for_as_long_as_it_could_be_heard() {
    let (a, b) = pair(1);
    // Asked by somebody whose clock is ahead, heard as early as possible.
    let (query, _) = one_query(&a, 1);
    let mut listener = listener(vec![(1, b.clone())]);
    assert_eq!(listener.hear(&query, at(-1)).len(), 1);
    for minutes in [-1, 0, 1] {
        // Others are heard meanwhile, and keep nothing from being remembered.
        let (other, _) = one_query(&a, u64::try_from(minutes + 10).unwrap());
        listener.hear(&other, at(minutes));
        // New keys do not either.
        listener.listen_for(vec![(1, b.clone()), (2, pair(2).1)]);
        assert!(listener.hear(&query, at(minutes)).is_empty(), "{minutes}");
    }
}

#[test]
fn noise_is_not_remembered_and_a_flood_of_real_queries_ends_in_silence() {
    let (a, b) = pair(1);
    let mut listener = listener(vec![(1, b)]);
    for seed in 0..100 {
        let (noise, _) = one_query(&pair(7).0, seed);
        assert!(listener.hear(&noise, NOW).is_empty());
    }
    assert!(listener.heard.is_empty());
    for seed in 0..MAX_ANSWERED as u64 {
        let (query, _) = one_query(&a, seed);
        assert_eq!(listener.hear(&query, NOW).len(), 1);
    }
    let (query, _) = one_query(&a, 1_000_000);
    assert!(listener.hear(&query, NOW).is_empty());
    assert!(listener.hear(&query, at(5)).is_empty(), "its time is over");
    let mut later = lan_ask(&[(5, &a)], at(5), &mut SeededRandom::new(3));
    let (query, _) = later.pop().unwrap();
    assert_eq!(listener.hear(&query, at(5)).len(), 1);
}

#[test]
fn a_query_has_one_of_three_lengths_and_one_nonce() {
    let keys: Vec<LanKeys> = (0..300).map(|n| pair(n).0).collect();
    for (people, lengths) in [
        (0, vec![]),
        (1, vec![32]),
        (32, vec![32]),
        (33, vec![64]),
        (65, vec![128]),
        (128, vec![128]),
        (300, vec![128, 128, 64]),
    ] {
        let whom: Vec<(usize, &LanKeys)> = keys.iter().enumerate().take(people).collect();
        let queries = lan_ask(&whom, NOW, &mut SeededRandom::new(1));
        let found: Vec<usize> = queries
            .iter()
            .map(|(query, _)| (query.len() - NONCE_BYTES) / ENTRY_BYTES)
            .collect();
        assert_eq!(found, lengths);
        let asked: usize = queries.iter().map(|(_, asked)| asked.whom.len()).sum();
        assert_eq!(asked, people);
        for (query, _) in &queries {
            assert!(query.len() <= MAX_LAN_QUERY_BYTES);
            let (entries, _) = query[NONCE_BYTES..].as_chunks::<8>();
            assert!(entries.is_sorted(), "the order would tell who is who");
        }
    }
}

#[test]
fn nothing_in_two_queries_or_replies_is_the_same() {
    let (a, b) = pair(1);
    let mut seen = HashSet::new();
    let mut rng = SeededRandom::new(1);
    let mut listener = listener(vec![(1, b)]);
    for _ in 0..50 {
        let (query, _) = lan_ask(&[(5, &a)], NOW, &mut rng).pop().unwrap();
        for piece in query.as_chunks::<8>().0 {
            assert!(seen.insert(*piece));
        }
        let heard = listener.hear(&query, NOW).pop().unwrap();
        let reply = heard.reply(&addresses(), &mut rng);
        for piece in reply.as_chunks::<8>().0 {
            assert!(seen.insert(*piece));
        }
    }
}

#[test]
fn a_changed_or_foreign_reply_is_not_read() {
    let (a, b) = pair(1);
    let (query, mut asked) = one_query(&a, 1);
    let (_, mut other) = one_query(&a, 2);
    let heard = listener(vec![(1, b)]).hear(&query, NOW).pop().unwrap();
    let reply = heard.reply(&addresses(), &mut SeededRandom::new(2));
    assert!(other.read(&reply).is_none(), "it answers another query");
    for at in 0..reply.len() {
        let mut changed = reply.clone();
        changed[at] ^= 1;
        assert!(asked.read(&changed).is_none(), "{at}");
    }
    assert!(asked.read(&reply[..255]).is_none());
    assert!(asked.read(&[&reply[..], &[0]].concat()).is_none());
    assert!(asked.read(&query).is_none());
}

#[test]
fn addresses_that_nobody_has_are_neither_told_nor_believed() {
    let texts = [
        "0.0.0.0:1",
        "239.1.2.3:1",
        "[::]:1",
        "[ff02::1]:1",
        "192.0.2.1:0",
    ];
    let odd: Vec<SocketAddr> = texts.iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(pack(&odd), [0; PLAIN_BYTES]);
    let mut told = pack(&addresses());
    assert_eq!(unpack(&told), Some(addresses()));
    told[1..5].fill(0);
    assert_eq!(unpack(&told), None);
    let mut late = pack(&addresses());
    late[PLAIN_BYTES - 1] = 1;
    assert_eq!(unpack(&late), None);
    assert_eq!(unpack(&[4; PLAIN_BYTES]), None);
    let many = vec![addresses()[1]; 20];
    assert_eq!(unpack(&pack(&many)).unwrap().len(), MAX_LAN_ADDRESSES);
}

/// `cargo test --release lan_token -- --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn figures_of_hearing() {
    let keys: Vec<(u64, LanKeys)> = (0..1000).map(|n| (n, pair(n).1)).collect();
    let mut listener = listener(keys);
    let (query, _) = one_query(&pair(5000).0, 1);
    let clock = crate::base::Clock::system();
    let begun = clock.steady_ms();
    for _ in 0..100 {
        assert!(listener.hear(&query, NOW).is_empty());
    }
    let spent = clock.steady_ms() - begun;
    println!("a query against 1000 secrets: {} us", spent * 10);
}

proptest! {
    #[test]
    fn whatever_comes_in_is_noise(datagram in prop::collection::vec(any::<u8>(), 0..1100)) {
        let (a, b) = pair(1);
        prop_assert!(listener(vec![(1, b)]).hear(&datagram, NOW).is_empty());
        let (_, mut asked) = one_query(&a, 1);
        prop_assert!(asked.read(&datagram).is_none());
    }

    #[test]
    fn only_whole_queries_are_parsed(len in 0_usize..1200) {
        let sizes = [272, 528, 1040];
        prop_assert_eq!(parse(&vec![1; len]).is_some(), sizes.contains(&len));
    }

    #[test]
    fn all_addresses_come_through(ips in prop::collection::vec((any::<[u8; 16]>(), any::<bool>(), 1_u16..), 0..=8)) {
        let given: Vec<SocketAddr> = ips
            .into_iter()
            .map(|(ip, four, port)| match (four, ip) {
                (true, [a, b, c, d, ..]) => SocketAddr::from(([a, b, c, d], port)),
                (_, ip) => SocketAddr::from((ip, port)),
            })
            .filter(is_dialable)
            .collect();
        prop_assert_eq!(unpack(&pack(&given)), Some(given));
    }

    #[test]
    fn in_a_crowd_each_hears_only_their_own(seed in any::<u64>(), people in 1_u64..40, me in 0_u64..40) {
        let keys: Vec<LanKeys> = (0..people).map(|n| pair(n).0).collect();
        let whom: Vec<(u64, &LanKeys)> = (0..).zip(&keys).collect();
        let (query, mut asked) = lan_ask(&whom, NOW, &mut SeededRandom::new(seed)).pop().unwrap();
        let heard = listener(vec![(77, pair(me).1)]).hear(&query, NOW).pop();
        prop_assert_eq!(heard.is_some(), me < people);
        if let Some(heard) = heard {
            let reply = heard.reply(&addresses(), &mut SeededRandom::new(seed));
            prop_assert_eq!(asked.read(&reply), Some((me, addresses())));
        }
    }
}

#[test]
fn one_reply_to_a_query_is_read() {
    let (a, b) = pair(1);
    let (query, mut asked) = one_query(&a, 1);
    let heard = listener(vec![(1, b)]).hear(&query, NOW).pop().unwrap();
    let first = heard.reply(&addresses(), &mut SeededRandom::new(2));
    let second = heard.reply(&addresses(), &mut SeededRandom::new(3));
    assert!(asked.read(&first).is_some());
    assert!(asked.read(&second).is_none());
    assert!(asked.read(&first).is_none());
}

/// What this version says; the file was written once and is true for good.
#[test]
fn known_answers() {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let (a, b) = pair(1);
    let (query, mut asked) = one_query(&a, 1);
    let heard = listener(vec![(1, b.clone())])
        .hear(&query, NOW)
        .pop()
        .unwrap();
    let reply = heard.reply(&addresses(), &mut SeededRandom::new(2));
    assert!(asked.read(&reply).is_some());
    let own = entry(&a.ask, &asked.nonce, minute(NOW));
    let found = serde_json::json!({
        "secret": hex(secret(1).as_bytes()),
        "at_ms": NOW.0,
        "ask_a": hex(a.ask.as_bytes()),
        "ask_b": hex(b.ask.as_bytes()),
        "reply_a": hex(a.reply.as_bytes()),
        "reply_b": hex(b.reply.as_bytes()),
        "nonce": hex(&asked.nonce),
        "entry": hex(&own.to_be_bytes()),
        "query": hex(&query),
        "addresses": addresses().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "reply": hex(&reply),
    });
    let text = include_str!("../../../tests/fixtures/vectors/lan_token.json");
    let known: serde_json::Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(found, known, "{found:#}");
}
