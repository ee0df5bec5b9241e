//! What a command reads: an argument, or standard input where the argument is `-`.

use super::exit_code::Failure;
use crate::model::{ErrorCode, limits::MAX_TEXT_BYTES};
use std::io::Read;

/// Longest link that is read from standard input, line breaks of e-mails included.
const MAX_LINK_BYTES: usize = 4096;

/// A message's text: `argument`, or for `-` all of standard input less one final line break.
pub(crate) fn text(argument: String) -> Result<String, Failure> {
    let text = match argument.as_str() {
        "-" => read_text(std::io::stdin())?,
        _ => argument,
    };
    if text.is_empty() {
        return Err(Failure::usage("the message is empty. write something"));
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(too_long());
    }
    Ok(text)
}

fn too_long() -> Failure {
    Failure::new(
        ErrorCode::Limit,
        format!("the message is longer than {MAX_TEXT_BYTES} bytes. send it in parts"),
    )
}

/// An invite link: `argument`, or for `-` what standard input holds.
pub(crate) fn link(argument: String) -> Result<String, Failure> {
    match argument.as_str() {
        "-" => read_link(std::io::stdin()),
        _ => Ok(argument),
    }
}

fn read_text(input: impl Read) -> Result<String, Failure> {
    // A line break and one byte more than allowed: enough to know that it is too long.
    let mut bytes = read(input, MAX_TEXT_BYTES + 3)?;
    if bytes.len() > MAX_TEXT_BYTES + 2 {
        // Said before decoding: a character cut in two must not look like bytes that are no text.
        return Err(too_long());
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    String::from_utf8(bytes).map_err(|_| {
        Failure::usage(
            "standard input is not UTF-8 text. only text can be sent as yet; files will come later",
        )
    })
}

fn read_link(input: impl Read) -> Result<String, Failure> {
    let bytes = read(input, MAX_LINK_BYTES + 1)?;
    if bytes.len() > MAX_LINK_BYTES {
        return Err(Failure::usage(
            "standard input is too long for an invite. hand over nothing but the link",
        ));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::usage("standard input is not text. hand over nothing but the link"))
}

fn read(input: impl Read, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    input
        .take(u64::try_from(limit).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Failure::usage(format!(
                "cannot read standard input ({error}). check what it is connected to"
            ))
        })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_final_line_break_is_left_off() {
        for (input, text) in [
            ("built\n", "built"),
            ("built\r\n", "built"),
            ("a\n\n", "a\n"),
            ("a\nb", "a\nb"),
            ("\n", ""),
        ] {
            assert_eq!(read_text(input.as_bytes()).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_text_is_a_usage_error_that_promises_files() {
        let failure = read_text(&b"\xff\xfe"[..]).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.to_string().contains("files will come later"));
    }

    #[test]
    fn a_text_may_be_as_long_as_the_limit_and_no_longer() {
        let code = |length: usize| text("x".repeat(length)).map_err(|failure| failure.exit_code());
        assert!(code(MAX_TEXT_BYTES).is_ok());
        assert_eq!(code(MAX_TEXT_BYTES + 1), Err(11));
        assert_eq!(code(0), Err(2));
        let piped = |length: usize| read_text(&*"ä".repeat(length).into_bytes()).and_then(text);
        assert!(piped(MAX_TEXT_BYTES / 2).is_ok());
        assert_eq!(piped(MAX_TEXT_BYTES).unwrap_err().exit_code(), 11);
    }

    #[test]
    fn a_link_comes_alone() {
        assert_eq!(read_link(&b" msgd:i1abc\n"[..]).unwrap(), " msgd:i1abc\n");
        assert_eq!(read_link(&[b'x'; 5000][..]).unwrap_err().exit_code(), 2);
        assert_eq!(read_link(&b"\xff"[..]).unwrap_err().exit_code(), 2);
    }

    proptest! {
        #[test]
        fn any_input_is_read_or_refused(bytes: Vec<u8>) {
            let _ = read_text(bytes.as_slice());
            let _ = read_link(bytes.as_slice());
        }
    }
}
