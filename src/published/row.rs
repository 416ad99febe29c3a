//! Reads one line of JSONL into the columns of a batch.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::values::Values;
use crate::output::is_embedded_as_string;
use crate::output::manifest::ColumnEntry;
use crate::time::parse_time;

/// Reads a line that is in memory. Its keys must be these columns, in their order.
pub(super) fn read(line: &[u8], columns: &[ColumnEntry], values: &mut [Values]) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_slice(line);
    Row { columns, values }.deserialize(&mut json)?;
    json.end()
}

/// Describes an error in a line. The line's own number is not known here.
pub(super) fn describe(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    error.to_string().replace(&format!(" at line {line} column {column}"), &format!(" at column {column}"))
}

/// Reads the text of one value.
pub(super) fn read_value(text: &[u8], name: &str, values: &mut Values) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_slice(text);
    Next { name, values }.deserialize(&mut json)?;
    json.end()
}

/// Describes a key that is not the expected one.
pub(super) fn unexpected(key: &str) -> String {
    format!("the column {key} is out of order or unknown")
}

/// Describes a line that ends after `found` columns.
pub(super) fn missing(found: usize, expected: usize) -> String {
    format!("{found} columns, expected {expected}")
}

/// A line.
struct Row<'a> {
    columns: &'a [ColumnEntry],
    /// Destination of each column.
    values: &'a mut [Values],
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut at = 0;
        while map.next_key_seed(Key(self.columns.get(at)))?.is_some() {
            let values = &mut self.values[at];
            map.next_value_seed(Next { name: &self.columns[at].name, values })?;
            at += 1;
        }
        if at == self.columns.len() {
            return Ok(());
        }
        Err(A::Error::custom(missing(at, self.columns.len())))
    }
}

/// A key, which must be the name of this column.
struct Key<'a>(Option<&'a ColumnEntry>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(OnText(|key: Option<&str>| {
            let key = key.unwrap_or_default();
            match self.0 {
                Some(column) if column.name == key => Ok(()),
                _ => Err(unexpected(key)),
            }
        }))
    }
}

/// The value of a column.
struct Next<'a> {
    name: &'a str,
    values: &'a mut Values,
}

impl<'de> DeserializeSeed<'de> for Next<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        match self.values {
            Values::Skipped => IgnoredAny::deserialize(value).map(drop),
            Values::Text(texts) => value.deserialize_option(OnText(|text: Option<&str>| {
                texts.append_option(text);
                Ok(())
            })),
            Values::Time(times) => value.deserialize_option(OnText(|text: Option<&str>| {
                let time = text.map(|text| parse_time(text).ok_or(self.name));
                let time = time.transpose().map_err(|name| format!("invalid time in {name}"))?;
                times.append_option(time);
                Ok(())
            })),
            Values::Int(ints) => {
                ints.append_option(Option::deserialize(value)?);
                Ok(())
            }
            Values::Bool(bools) => {
                bools.append_option(Option::deserialize(value)?);
                Ok(())
            }
            Values::Json(texts) => {
                let text = <&RawValue>::deserialize(value)?.get();
                if text.starts_with('"') {
                    let decoded: Cow<str> = serde_json::from_str(text).map_err(D::Error::custom)?;
                    texts.push(if is_embedded_as_string(&decoded) { &decoded } else { text });
                } else {
                    texts.push(text);
                }
                Ok(())
            }
        }
    }
}

/// Passes a text, or null, to a function without a copy.
struct OnText<F>(F);

impl<'de, F: FnOnce(Option<&str>) -> Result<(), String>> Visitor<'de> for OnText<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        (self.0)(None).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        (self.0)(Some(text)).map_err(E::custom)
    }
}
