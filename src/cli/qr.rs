//! A QR code drawn with half blocks, two rows of modules a line.

use super::exit_code::Failure;
use crate::model::ErrorCode;
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code; ISO/IEC 18004 asks for four.
const QUIET_ZONE: usize = 4;

/// `text` as a code for a camera. Light modules are drawn and dark ones left out, so that it
/// reads on the usual dark terminal, and inverted, as most readers also take it, on a light one.
pub(crate) fn draw(text: &str) -> Result<String, Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|error| {
        Failure::new(
            ErrorCode::Limit,
            format!("the link does not fit a QR code ({error}). leave out --qr"),
        )
    })?;
    let width = code.width();
    let side = width + 2 * QUIET_ZONE;
    let colours = code.to_colors();
    let light = |x: usize, y: usize| {
        let inside = |n: usize| n.checked_sub(QUIET_ZONE).filter(|n| *n < width);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => colours.get(y * width + x) != Some(&Color::Dark),
            _ => true,
        }
    };
    let mut drawn = String::new();
    for y in (0..side).step_by(2) {
        for x in 0..side {
            drawn.push(match (light(x, y), y + 1 < side && light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        drawn.push('\n');
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_finder_patterns_and_quiet_zone() {
        let drawn = draw("MSGD:I1ABCDEF").unwrap();
        let rows: Vec<Vec<char>> = drawn.lines().map(|l| l.chars().collect()).collect();
        let side = rows[0].len();
        assert_eq!(rows.len(), side.div_ceil(2));
        assert!(rows[0].iter().all(|c| *c == '█'));
        assert!(
            rows.iter()
                .all(|row| row[..QUIET_ZONE].iter().all(|c| "█▀".contains(*c)))
        );
        // The finder's upper edge is seven dark modules above a ring: "▄" inside, " " at its ends.
        let upper: String = rows[2][QUIET_ZONE..QUIET_ZONE + 7].iter().collect();
        assert_eq!(upper, " ▄▄▄▄▄ ");
        let opposite: String = rows[2][side - QUIET_ZONE - 7..side - QUIET_ZONE]
            .iter()
            .collect();
        assert_eq!(opposite, upper);
    }

    #[test]
    fn what_no_code_can_hold_is_refused() {
        assert_eq!(draw(&"x".repeat(3_000)).unwrap_err().exit_code(), 11);
    }
}
