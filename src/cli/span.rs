//! Spans of time as people type them: `90s`, `15m`, `2h`, `7d`, `1h30m`.

use std::time::Duration;

/// The span in `text`: one or more whole numbers, each with `s`, `m`, `h`, `d` or `w`.
///
/// # Errors
/// A sentence that says how to write it.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is not a span of time; write it like 30s, 15m, 2h, 7d or 1h30m");
    let mut total = 0_u64;
    let mut number: Option<u64> = None;
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            let so_far = number.unwrap_or(0);
            number = Some(
                so_far
                    .checked_mul(10)
                    .and_then(|n| n.checked_add(u64::from(digit)))
                    .ok_or_else(wrong)?,
            );
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(wrong()),
        };
        let seconds = number.take().and_then(|n| n.checked_mul(unit));
        total = seconds
            .and_then(|s| total.checked_add(s))
            .ok_or_else(wrong)?;
    }
    if text.is_empty() || number.is_some() {
        return Err(wrong());
    }
    Ok(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_read() {
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 900),
            ("2h", 7_200),
            ("7d", 604_800),
            ("1w", 604_800),
            ("1h30m", 5_400),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in [
            "",
            "7",
            "d",
            "7x",
            "-1s",
            "1.5h",
            " 1s",
            "1s2",
            "99999999999999999999s",
            "18446744073709551615w",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = parse(&text);
        }
    }
}
