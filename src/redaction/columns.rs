//! Applies the policy to the columns of rows. The schema stays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, Datelike, NaiveTime};

use super::Redaction;
use super::find::Class;
use super::known::is_phone;
use super::policy::Action;
use super::report::RowCounts;
use super::text::Replaced;
use crate::table::{Column, Kind, Table};

/// Text of a masked value.
const MASK: &str = "***";
/// Least letters and digits of a value whose last four are shown.
const MIN_FOR_LAST4: usize = 8;
/// Least bytes of an ID that is replaced in JSON of its row.
const MIN_ID_IN_JSON: usize = 5;

const DAY_MICROS: i64 = 86_400_000_000;

/// Rows while they are redacted.
struct Marks {
    changed: Vec<bool>,
    found: Vec<bool>,
}

impl Redaction {
    pub(super) fn redact_batch(&mut self, table: Table, batch: &RecordBatch) -> RecordBatch {
        let rows = batch.num_rows();
        let mut marks = Marks { changed: vec![false; rows], found: vec![false; rows] };
        let schema = batch.schema();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
        // First the columns whose values also stand in JSON of their row.
        let mut replaced: Vec<Replaced> = vec![Replaced::new(); rows];
        for (field, values) in schema.fields().iter().zip(batch.columns()) {
            let known = table.columns().iter().find(|column| column.name == field.name());
            let action = known.map_or(Action::Drop, |column| self.policy.action(table, column));
            let new = match (known, action) {
                (_, Action::Keep | Action::Detect) => Arc::clone(values),
                (Some(column), _) => self.redact_values(table, column, action, values, &mut replaced),
                (None, _) => new_null_array(values.data_type(), rows),
            };
            let is_same = matches!(action, Action::Keep | Action::Detect);
            let changed: Vec<usize> = (0..rows).filter(|row| !is_same && values.is_valid(*row)).collect();
            self.tally.values(table, field.name(), action, changed.len() as u64);
            for row in changed {
                marks.changed[row] = true;
            }
            columns.push(new);
        }
        for (index, field) in schema.fields().iter().enumerate() {
            let known = table.columns().iter().find(|column| column.name == field.name());
            if let Some(column) = known.filter(|column| self.policy.action(table, column) == Action::Detect) {
                columns[index] = self.redact_texts(table, column, &columns[index], &replaced, &mut marks);
            }
        }
        let count = |marked: &[bool]| marked.iter().filter(|is_marked| **is_marked).count() as u64;
        let counts = RowCounts {
            rows: rows as u64,
            changed: count(&marks.changed),
            with_findings: count(&marks.found),
        };
        self.tally.rows(table, counts);
        RecordBatch::try_new(schema, columns).expect("each column keeps its type and length")
    }

    fn redact_values(
        &self,
        table: Table,
        column: &Column,
        action: Action,
        values: &ArrayRef,
        replaced: &mut [Replaced],
    ) -> ArrayRef {
        match (column.kind, action) {
            (Kind::Str, _) => {
                let texts = values.as_string::<i32>();
                let new = self.redact_strings(column, action, texts);
                if is_id(table, column.name) {
                    for (row, replaced) in replaced.iter_mut().enumerate() {
                        let (old, new) = (text_at(texts, row), text_at(&new, row));
                        if let Some(old) = old.filter(|old| old.len() >= MIN_ID_IN_JSON) {
                            let new = new.filter(|new| !new.is_empty()).map(str::to_owned);
                            replaced.insert(old.to_owned(), new);
                        }
                    }
                }
                Arc::new(new)
            }
            (Kind::Ts, Action::Day | Action::Month) => {
                let times = values.as_primitive::<TimestampMicrosecondType>();
                let cut = times.iter().map(|time| time.map(|time| truncated(time, action)));
                Arc::new(cut.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            _ => dropped(column, values),
        }
    }

    fn redact_strings(&self, column: &Column, action: Action, texts: &StringArray) -> StringArray {
        if action == Action::Drop {
            let empty = (!column.nullable).then_some("");
            return (0..texts.len()).map(|_| empty).collect();
        }
        let new = |text: &str| match action {
            _ if text.is_empty() => String::new(),
            Action::Last4 => last_four(text),
            Action::Pseudonym => {
                let key = self.key.as_ref();
                key.map_or_else(|| MASK.to_owned(), |key| key.pseudonym(class(column.name, text), text))
            }
            _ => MASK.to_owned(),
        };
        // Most rows have the value of the row before.
        let mut last: Option<(&str, String)> = None;
        let mut redacted = StringBuilder::with_capacity(texts.len(), 0);
        for text in texts {
            let Some(text) = text else {
                redacted.append_null();
                continue;
            };
            let (_, value) = match last.take() {
                Some((old, value)) if old == text => last.insert((text, value)),
                _ => last.insert((text, new(text))),
            };
            redacted.append_value(value);
        }
        redacted.finish()
    }

    pub(super) fn redact_contact_id(&self, id: &str) -> String {
        let table = Table::Coverage;
        let column = table.columns().iter().find(|column| column.name == "contact_id");
        let action = column.map_or(Action::Drop, |column| self.policy.action(table, column));
        match (column, action) {
            (_, Action::Keep) => id.to_owned(),
            (Some(column), Action::Mask | Action::Last4 | Action::Pseudonym | Action::Drop) => {
                let texts = StringArray::from_iter_values([id]);
                self.redact_strings(column, action, &texts).value(0).to_owned()
            }
            _ => MASK.to_owned(),
        }
    }

    fn redact_texts(
        &mut self,
        table: Table,
        column: &Column,
        values: &ArrayRef,
        replaced: &[Replaced],
        marks: &mut Marks,
    ) -> ArrayRef {
        let texts = values.as_string::<i32>();
        let mut new = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
        let mut redactor = self.redactor();
        // Errors quote the first characters of a response.
        let is_cut = table == Table::Coverage && column.name == "error";
        for (row, replaced) in replaced.iter().enumerate() {
            let Some(text) = text_at(texts, row) else {
                new.append_null();
                continue;
            };
            let redacted = match column.kind {
                Kind::Json => redactor.redact_json(text, replaced),
                _ if is_cut => redactor.redact_cut(text, replaced),
                _ => redactor.redact(text, replaced),
            };
            if let Some(redacted) = redacted {
                (marks.changed[row], marks.found[row]) = (true, true);
                new.append_value(redacted);
            } else {
                new.append_value(text);
            }
        }
        let counts = redactor.counts;
        self.tally.findings(&format!("{}.{}", table.name(), column.name), counts);
        Arc::new(new.finish())
    }
}

/// Returns no values: null, or what is nearest to it in columns that are never null.
fn dropped(column: &Column, values: &ArrayRef) -> ArrayRef {
    let rows = values.len();
    if column.nullable {
        return new_null_array(values.data_type(), rows);
    }
    match column.kind {
        Kind::Str => Arc::new(StringArray::from_iter_values(std::iter::repeat_n("", rows))),
        Kind::Json => Arc::new(StringArray::from_iter_values(std::iter::repeat_n("{}", rows))),
        Kind::Int => Arc::new(Int64Array::from_value(0, rows)),
        Kind::Bool => Arc::new(BooleanArray::from(vec![false; rows])),
        Kind::Ts => Arc::new(TimestampMicrosecondArray::from_value(0, rows).with_timezone("UTC")),
    }
}

fn text_at(texts: &StringArray, row: usize) -> Option<&str> {
    (!texts.is_null(row)).then(|| texts.value(row))
}

fn truncated(time: i64, action: Action) -> i64 {
    let day = time.div_euclid(DAY_MICROS) * DAY_MICROS;
    if action == Action::Day {
        return day;
    }
    let first = DateTime::from_timestamp_micros(day).and_then(|time| time.date_naive().with_day(1));
    first.map_or(day, |first| first.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

fn last_four(text: &str) -> String {
    let shown: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let last: String =
        if shown.len() < MIN_FOR_LAST4 { String::new() } else { shown[shown.len() - 4..].iter().collect() };
    format!("{MASK}{last}")
}

/// Returns the class of a value, so that equal values of different columns have one pseudonym.
fn class(column: &str, value: &str) -> Class {
    match column {
        "contact_id" => Class::ContactId,
        "phone_number" => Class::Phone,
        "sender_id" | "recipient_id" if is_phone(value) => Class::Phone,
        "first_name" | "last_name" => Class::Name,
        "user_email_id" => Class::Email,
        "assigned_to" if value.contains('@') => Class::Email,
        "assigned_to" => Class::Name,
        _ => Class::Id,
    }
}

/// True for columns whose values also stand in `extra` and `raw`, where they identify somebody or something.
fn is_id(table: Table, column: &str) -> bool {
    let is_named = column.ends_with("_id") && column != "run_id";
    is_named
        || table.key().contains(&column)
        || ["assigned_to", "media_url", "phone_number"].contains(&column)
}
