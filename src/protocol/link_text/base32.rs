//! Crockford's base 32, without check symbol: no letter that reads like a digit, and either
//! case.

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many characters `len` bytes take.
pub(in crate::protocol) const fn text_len(len: usize) -> usize {
    (len * 8).div_ceil(5)
}

/// Lower case, without padding.
pub(in crate::protocol) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(text_len(bytes.len()));
    let (mut held, mut bits) = (0_u32, 0_u32);
    let digit = |five: u32| {
        let at = usize::try_from(five & 31).unwrap_or(0);
        DIGITS.get(at).map_or('0', |digit| char::from(*digit))
    };
    for byte in bytes {
        held = (held & 0xff) << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(digit(held >> bits));
        }
    }
    if bits > 0 {
        text.push(digit(held << (5 - bits)));
    }
    text
}

/// The bytes, unless a character is foreign or the last bits are not what [`encode`] leaves.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for c in text.chars() {
        let plain = match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        let value = DIGITS
            .iter()
            .position(|digit| char::from(*digit) == plain)?;
        held = (held & 0x7f) << 5 | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    let spare = held & ((1 << bits) - 1);
    (bits < 5 && spare == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes: Vec<u8>) {
            let text = encode(&bytes);
            prop_assert_eq!(text.len(), text_len(bytes.len()));
            prop_assert_eq!(decode(&text), Some(bytes.clone()));
            prop_assert_eq!(decode(&text.to_uppercase()), Some(bytes));
        }

        #[test]
        fn any_text_is_decoded_or_refused(text: String) {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes).len(), text.chars().count());
            }
        }
    }

    #[test]
    fn spare_bits_and_idle_characters_are_refused() {
        assert_eq!(decode("00"), Some(vec![0]));
        assert_eq!(decode("01"), None);
        assert_eq!(decode("000"), None);
        assert_eq!(decode("u0"), None);
        assert_eq!(decode("oI"), None);
        assert_eq!(decode("1g"), decode("lG"));
    }
}
