//! Makes what others wrote harmless before it reaches a terminal or a pipe.
//!
//! A name or a text may hold escape sequences that move the cursor, set the window's title
//! or type for the user, and direction marks that make one name look like another. Here they
//! become visible and dead. JSON needs none of this: its writer escapes control characters.

/// A name, title, greeting or note, on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
            other => dead(other),
        })
        .collect()
}

/// A message's text: line breaks and tabs stay.
pub(crate) fn many_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{2028}' | '\u{2029}' => '\n',
            other => dead(other),
        })
        .collect()
}

/// A message's text below its heading: no line of it can pass for a heading of ours.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    many_lines(text).replace('\n', &format!("\n{indent}"))
}

/// A visible stand-in for whatever would act on a terminal; everything else as it is.
fn dead(c: char) -> char {
    match c {
        // The block "Control Pictures" shows each of C0 as a small abbreviation.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9).
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn acts_on_a_terminal(c: char) -> bool {
        c.is_control()
            || matches!(
                c,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            )
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }

    /// Any text, with far more dangerous characters than chance would bring.
    fn foreign() -> impl Strategy<Value = String> {
        let nasty = prop_oneof![
            any::<char>(),
            (0_u32..0xa0).prop_filter_map("a character", char::from_u32),
            (0x2000_u32..0x2070).prop_filter_map("a character", char::from_u32),
            Just('\u{61c}'),
        ];
        proptest::collection::vec(nasty, 0..64).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_passes_in_a_name(text in foreign()) {
            prop_assert!(!one_line(&text).chars().any(acts_on_a_terminal));
        }

        #[test]
        fn only_line_breaks_and_tabs_pass_in_a_text(text in foreign()) {
            for c in many_lines(&text).chars() {
                prop_assert!(matches!(c, '\n' | '\t') || !acts_on_a_terminal(c), "{c:?}");
            }
        }

        #[test]
        fn plain_text_passes_unchanged(text in "[ -~äöüß€漢字\u{1f600}]{0,64}") {
            prop_assert_eq!(one_line(&text), text.clone());
            prop_assert_eq!(many_lines(&text), text);
        }
    }

    #[test]
    fn an_escape_sequence_is_seen_and_does_nothing() {
        assert_eq!(one_line("\u{1b}[31mred"), "\u{241b}[31mred");
        assert_eq!(one_line("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn a_second_line_cannot_pass_for_another_message() {
        assert_eq!(indented("hi\n12:00 bob: no", "  "), "hi\n  12:00 bob: no");
        assert_eq!(indented("hi\r\nyou\u{2028}there", " "), "hi\n you\n there");
    }
}
