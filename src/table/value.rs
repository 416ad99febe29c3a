//! Fits a value of the API into a column of another type (`docs/tables.md#values`).

use crate::json::{Kind, Value};

use crate::time::{parse_number, parse_time};

/// Result of fitting a value into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit<T> {
    /// The value is null.
    Null,
    /// The value fits the column.
    Fits(T),
    /// The value does not fit. The column stays null and `extra` takes the value.
    Misfit,
}

impl<T> Fit<T> {
    /// Returns the column's value, or `None` for nulls and misfits.
    pub(super) fn fitting(self) -> Option<T> {
        match self {
            Self::Fits(value) => Some(value),
            Self::Null | Self::Misfit => None,
        }
    }
}

fn fit<T>(value: Value<'_>, fitting: Option<T>) -> Fit<T> {
    match fitting {
        Some(fitting) => Fit::Fits(fitting),
        None if value.is_null() => Fit::Null,
        None => Fit::Misfit,
    }
}

/// For an `int` column: an integer of at most 64 bits, or a string with one as JSON spells it.
pub(super) fn int(value: Value<'_>) -> Fit<i64> {
    let parse = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let canonical = digits == "0" || digits.starts_with(|first: char| matches!(first, '1'..='9'));
        text.parse().ok().filter(|_: &i64| canonical)
    };
    let fitting = match value.kind() {
        Kind::Number => parse(value.raw()),
        Kind::String => value.text().and_then(|text| parse(&text)),
        Kind::Null | Kind::Bool | Kind::Array | Kind::Object | Kind::NonStandard => None,
    };
    fit(value, fitting)
}

/// For a `bool` column: a bool, or the string `"true"` or `"false"`.
pub(super) fn boolean(value: Value<'_>) -> Fit<bool> {
    let fitting = match value.text().as_deref().unwrap_or(value.raw()) {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    fit(value, fitting)
}

/// For a `ts` column: ISO 8601 text, or a number or string of digits, interpreted by its size.
pub(super) fn time(value: Value<'_>) -> Fit<i64> {
    let fitting = match value.kind() {
        Kind::Number => parse_number(value.raw()),
        Kind::String => value.text().and_then(|text| {
            if text.bytes().all(|byte| byte.is_ascii_digit()) {
                parse_number(&text)
            } else {
                parse_time(&text)
            }
        }),
        Kind::Null | Kind::Bool | Kind::Array | Kind::Object | Kind::NonStandard => None,
    };
    fit(value, fitting)
}

#[cfg(test)]
mod tests {
    use super::{Fit, boolean, int, time};
    use crate::table::tests::value;

    #[test]
    fn integers() {
        for (text, number) in [
            ("0", 0),
            ("-7", -7),
            ("\"42\"", 42),
            ("\"-42\"", -42),
            ("9223372036854775807", i64::MAX),
            ("\"-9223372036854775808\"", i64::MIN),
            ("\"\\u0031\"", 1),
            ("-0", 0),
        ] {
            assert_eq!(int(value(text)), Fit::Fits(number), "{text}");
        }
        for text in [
            "1.0",
            "1e3",
            "9223372036854775808",
            "\"\"",
            "\" 1\"",
            "\"+1\"",
            "\"01\"",
            "01",
            "true",
            "[1]",
            "{}",
            "\"1.0\"",
            "NaN",
            "\"-\"",
            "\"--1\"",
        ] {
            assert_eq!(int(value(text)), Fit::Misfit, "{text}");
        }
        assert_eq!(int(value("null")), Fit::Null);
    }

    #[test]
    fn bools() {
        assert_eq!(boolean(value("true")), Fit::Fits(true));
        assert_eq!(boolean(value("\"false\"")), Fit::Fits(false));
        for text in ["0", "1", "\"\"", "\"True\"", "\"yes\"", "[true]", "\"null\""] {
            assert_eq!(boolean(value(text)), Fit::Misfit, "{text}");
        }
        assert_eq!(boolean(value("null")), Fit::Null);
    }

    #[test]
    fn times() {
        for text in
            ["1752577991", "\"1752577991\"", "1752577991000", "\"2025-07-15T11:13:11Z\"", "1.752577991e9"]
        {
            assert_eq!(time(value(text)), Fit::Fits(1_752_577_991_000_000), "{text}");
        }
        for text in
            ["\"\"", "-1", "\"-1\"", "\"1752577991.5\"", "true", "{}", "NaN", "01", "\"15.07.2025\"", "1e30"]
        {
            assert_eq!(time(value(text)), Fit::Misfit, "{text}");
        }
        assert_eq!(time(value("null")), Fit::Null);
    }
}
