//! Reads numbers as points in time.

use super::in_range;

/// Reads a number as a time by its size: below 1e11 seconds, 1e14 milliseconds, 1e17 microseconds, else
/// nanoseconds.
///
/// The result is exact: digits are moved, not multiplied as floats. `None` if the text is negative, not a
/// number, or beyond the year 9999.
pub fn parse_number(text: &str) -> Option<i64> {
    /// Number of digits before the point of the last nanosecond of 9999. Longer numbers are out of range.
    const MAX_DIGITS: i64 = 21;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut digits = whole.bytes().chain(fraction.bytes());
    let zeros = digits.clone().take_while(|byte| *byte == b'0').count();
    if zeros == whole.len() + fraction.len() {
        return in_range(0);
    }
    digits.by_ref().take(zeros).for_each(drop);
    let before_point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
    let before_point = before_point.checked_add(exponent)?;
    let shift = match before_point {
        ..=11 => 6,
        12..=14 => 3,
        15..=17 => 0,
        18..=MAX_DIGITS => -3,
        _ => return None,
    };
    let wanted = usize::try_from(before_point.checked_add(shift)?.max(0)).ok()?;
    let micros = digits.chain(std::iter::repeat(b'0')).take(wanted);
    in_range(micros.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::super::LAST;
    use super::parse_number;

    #[test]
    fn numbers_by_their_size() {
        for (text, micros) in [
            ("0", 0),
            ("0.0", 0),
            ("1", 1_000_000),
            ("1752577991", 1_752_577_991_000_000),
            ("1752577991.5", 1_752_577_991_500_000),
            ("1752577991.1234567", 1_752_577_991_123_456),
            ("99999999999", 99_999_999_999_000_000),
            ("100000000000", 100_000_000_000_000),
            ("1752577991000", 1_752_577_991_000_000),
            ("1752577991000.25", 1_752_577_991_000_250),
            ("99999999999999", 99_999_999_999_999_000),
            ("100000000000000", 100_000_000_000_000),
            ("1752577991000123", 1_752_577_991_000_123),
            ("1752577991000123.9", 1_752_577_991_000_123),
            ("1752577991000123999", 1_752_577_991_000_123),
            ("1.752577991e9", 1_752_577_991_000_000),
            ("17525779910E-1", 1_752_577_991_000_000),
            ("0.5", 500_000),
            ("1e-9", 0),
            ("0001752577991", 1_752_577_991_000_000),
            ("253402300799999999999", LAST),
        ] {
            assert_eq!(parse_number(text), Some(micros), "{text}");
        }
        for text in [
            "-1",
            "-0",
            "",
            ".5",
            "1x",
            "253402300800000000000",
            "1e400",
            "1e99999999999999999999",
            "+1",
            "NaN",
        ] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }
}
