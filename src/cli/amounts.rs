//! Amounts in words.

use std::time::Duration;

/// Formats a time with its two largest units. A time that is shown needs no more precision.
pub fn time(seconds: u64) -> String {
    let rounded = match seconds {
        0..=59 => seconds.max(1),
        60..=3_599 => seconds / 10 * 10,
        3_600..=86_399 => seconds / 60 * 60,
        _ => seconds / 3_600 * 3_600,
    };
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units() {
        let shown: Vec<_> = [0, 45, 61, 3_599, 3_700, 90_061].map(time).into();
        assert_eq!(shown, ["1s", "45s", "1m", "59m 50s", "1h 1m", "1day 1h"]);
    }
}
