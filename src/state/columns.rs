//! The columns of the two files, and the conversion from and to rows.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

use super::{DecisionRow, LastExport, Reason, StateRow};
use crate::contact_read::Status;

/// A row of a file of this room.
pub trait FileRow: Clone + Sized {
    /// Kind of the file, in its metadata.
    const KIND: &'static str;
    /// Columns of the file.
    fn schema() -> SchemaRef;
    /// Converts rows to columns.
    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError>;
    /// Converts columns to rows. The error describes what is wrong with them.
    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String>;
}

/// Columns of the state. The decision has them too.
const STATE: [&str; 5] = ["contact_id", "latest_message_time", "status", "exported_at", "run_id"];
/// Columns that only the decision has.
const DECISION: [&str; 2] = ["due", "listed_message_time"];

fn schema(names: &[&str]) -> SchemaRef {
    let kind = |name: &str| match name {
        "exported_at" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => DataType::Utf8,
    };
    Arc::new(Schema::new(names.iter().map(|name| Field::new(*name, kind(name), true)).collect::<Vec<_>>()))
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// The columns of [`STATE`]. The ID is set even if the row is `None`.
fn state_columns<'a>(
    rows: &(impl Iterator<Item = (&'a str, Option<&'a StateRow>)> + Clone),
) -> Vec<ArrayRef> {
    let known = || rows.clone().map(|(_, row)| row);
    let exports = || known().map(|row| row.and_then(|row| row.export.as_ref()));
    let times: TimestampMicrosecondArray = exports().map(|export| export.map(|export| export.at)).collect();
    vec![
        texts(rows.clone().map(|(id, _)| Some(id))),
        texts(known().map(|row| row.and_then(|row| row.latest_message_time.as_deref()))),
        texts(known().map(|row| row.map(|row| row.status.as_str()))),
        Arc::new(times.with_timezone("UTC")),
        texts(exports().map(|export| export.map(|export| &*export.run_id))),
    ]
}

impl FileRow for StateRow {
    const KIND: &'static str = "state";

    fn schema() -> SchemaRef {
        static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| schema(&STATE));
        Arc::clone(&SCHEMA)
    }

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(
            Self::schema(),
            state_columns(&rows.iter().map(|row| (&*row.contact_id, Some(row)))),
        )
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let columns = Columns::of(batch)?;
        (0..batch.num_rows())
            .map(|at| columns.row(at)?.ok_or_else(|| "a status is missing".to_owned()))
            .collect()
    }
}

impl FileRow for DecisionRow {
    const KIND: &'static str = "decision";

    fn schema() -> SchemaRef {
        static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| schema(&[&STATE[..], &DECISION].concat()));
        Arc::clone(&SCHEMA)
    }

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let mut columns = state_columns(&rows.iter().map(|row| (&*row.contact_id, row.known.as_ref())));
        columns.push(texts(rows.iter().map(|row| row.due.map(Reason::as_str))));
        columns.push(texts(rows.iter().map(|row| row.listed.as_deref())));
        RecordBatch::try_new(Self::schema(), columns)
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let columns = Columns::of(batch)?;
        let [due, listed] = [text(batch, DECISION[0])?, text(batch, DECISION[1])?];
        let decided = |at: usize| {
            let reason = |name: &str| {
                let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == name);
                reason.ok_or_else(|| format!("unknown reason {name:?}"))
            };
            Ok(Self {
                contact_id: columns.id(at)?,
                due: value(due, at).map(reason).transpose()?,
                listed: value(listed, at).map(Into::into),
                known: columns.row(at)?,
            })
        };
        (0..batch.num_rows()).map(decided).collect()
    }
}

/// The columns of [`STATE`] in a file.
struct Columns<'a> {
    texts: [&'a StringArray; 4],
    exported_at: &'a TimestampMicrosecondArray,
    /// Distinct run IDs. There are few, each named by thousands of contacts.
    runs: HashMap<&'a str, Arc<str>>,
}

fn text<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, String> {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt());
    column.ok_or_else(|| format!("it has no text column {name}"))
}

fn value(column: &StringArray, at: usize) -> Option<&str> {
    column.is_valid(at).then(|| column.value(at))
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        let [id, time, status, exported_at, run_id] = STATE;
        let times = batch.column_by_name(exported_at);
        let run_ids = text(batch, run_id)?;
        Ok(Self {
            texts: [text(batch, id)?, text(batch, time)?, text(batch, status)?, run_ids],
            exported_at: times
                .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>())
                .ok_or_else(|| format!("it has no timestamp column {exported_at}"))?,
            runs: run_ids.iter().flatten().map(|run_id| (run_id, Arc::from(run_id))).collect(),
        })
    }

    fn id(&self, at: usize) -> Result<Box<str>, String> {
        value(self.texts[0], at).map(Box::from).ok_or_else(|| "a contact_id is missing".to_owned())
    }

    fn row(&self, at: usize) -> Result<Option<StateRow>, String> {
        let Some(status) = value(self.texts[2], at) else { return Ok(None) };
        let status = Status::of_name(status).ok_or_else(|| format!("unknown status {status:?}"))?;
        let run_id = value(self.texts[3], at).and_then(|run_id| self.runs.get(run_id)).cloned();
        let exported_at = self.exported_at.is_valid(at).then(|| self.exported_at.value(at));
        Ok(Some(StateRow {
            contact_id: self.id(at)?,
            latest_message_time: value(self.texts[1], at).map(Box::from),
            status,
            export: exported_at.zip(run_id).map(|(at, run_id)| LastExport { at, run_id }),
        }))
    }
}
