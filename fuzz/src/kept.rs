//! Rows of batches, and whether they hold all that an object of the API says.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use chatzy_export::internals::record::column_text;
use chatzy_export::internals::table::{Kind, Rows};
use chatzy_export::internals::time::{format_time, parse_time};
use lenient_json::{Document, Kind as JsonKind, Value, last_wins};

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    batch: &'a RecordBatch,
    at: usize,
}

impl<'a> Row<'a> {
    /// The rows of a batch.
    pub fn all(batch: &'a RecordBatch) -> impl Iterator<Item = Self> {
        (0..batch.num_rows()).map(move |at| Self { batch, at })
    }

    /// A text column's value.
    pub fn text(self, column: &str) -> Option<&'a str> {
        let column = self.batch.column_by_name(column).unwrap().as_string::<i32>();
        column.is_valid(self.at).then(|| column.value(self.at))
    }

    /// Whether the column has a value.
    pub fn has(self, column: &str) -> bool {
        self.batch.column_by_name(column).unwrap().is_valid(self.at)
    }

    /// Whether `extra` holds the value as it was sent: a value that a strict reader refuses as the string of its text.
    pub fn is_in_extra(self, name: &str, value: Value<'_>) -> bool {
        let extra = self.text("extra").map(|extra| Document::parse(extra).unwrap());
        let held = extra.as_ref().and_then(|extra| extra.root().member(name));
        held.is_some_and(|held| is_as_sent(held, value))
    }
}

/// Whether `held`, a member of an `extra`, is what was sent as `value`.
pub fn is_as_sent(held: Value<'_>, value: Value<'_>) -> bool {
    if value.is_strict() {
        held == value
    } else {
        held.kind() == JsonKind::String && held.text().as_deref() == Some(value.raw())
    }
}

/// Where a member of an object belongs.
#[derive(Clone, Copy)]
pub enum Belongs<'a> {
    /// Into the text column of its name.
    Text,
    /// Into the column of its name, or into `extra` where it does not fit.
    Fitting,
    /// Into the text column of its name, unless that says otherwise: then into `extra`.
    Lent,
    /// Nowhere, where it is this text; else into `extra`.
    Unless(&'a str),
    /// Into rows or columns that are looked at elsewhere.
    Elsewhere,
    /// Into `extra`.
    Extra,
}

/// Holds that no member of `object` is dropped.
pub fn assert_kept<'a>(object: Value<'_>, row: Row<'_>, belongs: impl Fn(&str, Value<'_>) -> Belongs<'a>) {
    let mut members: Vec<_> = object.members().collect();
    last_wins(&mut members);
    for (name, value) in members {
        // Two names that were repaired are one name, of which the last wins.
        if name.contains(char::REPLACEMENT_CHARACTER) {
            continue;
        }
        let kept = match belongs(&name, value) {
            Belongs::Text => row.text(&name) == column_text(value).as_deref(),
            // Not one of the two only: `extra` may hold something of the same name that stood beside the object.
            Belongs::Fitting => value.is_null() || row.has(&name) || row.is_in_extra(&name, value),
            Belongs::Lent => {
                let said = column_text(value);
                said.is_none() || row.text(&name) == said.as_deref() || row.is_in_extra(&name, value)
            }
            Belongs::Unless(text) => {
                column_text(value).is_none_or(|said| said == text) || row.is_in_extra(&name, value)
            }
            Belongs::Elsewhere => true,
            Belongs::Extra => row.is_in_extra(&name, value),
        };
        assert!(kept, "{name:?} is dropped, which was {}; extra is {:?}", value.raw(), row.text("extra"));
    }
}

/// Holds what the schema says of any batch.
pub fn assert_sound(rows: &Rows) {
    assert_eq!(rows.batch.schema(), rows.table.arrow());
    for (column, values) in rows.table.columns().iter().zip(rows.batch.columns()) {
        assert!(column.nullable || values.null_count() == 0, "{} is never null", column.name);
        for row in Row::all(&rows.batch).filter(|row| row.has(column.name)) {
            match column.kind {
                Kind::Json => assert_json(column.name, row.text(column.name).unwrap()),
                Kind::Ts => {
                    let micros = values.as_primitive::<TimestampMicrosecondType>().value(row.at);
                    assert_eq!(parse_time(&format_time(micros)), Some(micros), "{}", column.name);
                }
                Kind::Str | Kind::Int | Kind::Bool => {}
            }
        }
    }
}

/// `extra` is a strict object with members; `raw` is the text as sent, which the lenient reader takes.
fn assert_json(column: &str, text: &str) {
    let document = Document::parse(text).unwrap();
    let value = document.root();
    if column == "extra" {
        assert!(value.kind() == JsonKind::Object && !value.is_empty() && value.is_strict(), "{text}");
        // Not into a tree, whose depth is bounded.
        serde_json::from_str::<serde::de::IgnoredAny>(text).unwrap();
    }
}
