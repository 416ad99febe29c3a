//! Passes rows to the writers of the tables, in batches. The borders of batches depend on the rows alone.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{concat, concat_batches};
use arrow::datatypes::TimestampMicrosecondType;

use super::spill::failure;
use super::{SnapshotError, SnapshotPlan};
use crate::json::Document;
use crate::output::{OutputSpec, StagedFile, WriterThread, batch_bytes};
use crate::table::{Rows, Stamp, Table, UnknownFields};

/// Pending bytes of one table above which rows are passed on even inside a contact.
const MAX_PENDING: u64 = 4 << 20;
/// Bytes of a batch above which nothing else is read until it is written. Otherwise several such batches would
/// be in memory.
const LARGE: u64 = 8 << 20;

/// Writers of all tables.
pub(super) struct Writers {
    spec: OutputSpec,
    stage: PathBuf,
    stamp: Stamp,
    tables: [TableRows; 5],
    unknown: UnknownFields,
}

/// Rows of one table that wait, and its writer. It starts with the first rows.
#[derive(Default)]
struct TableRows {
    pending: Vec<Slice>,
    bytes: u64,
    thread: Option<WriterThread>,
}

/// Rows, with the times of their messages.
struct Slice {
    batch: RecordBatch,
    times: Option<TimestampMicrosecondArray>,
}

impl Writers {
    pub(super) fn new(plan: &SnapshotPlan) -> Self {
        Self {
            spec: plan.output.clone(),
            stage: plan.stage.clone(),
            stamp: plan.stamp.clone(),
            tables: std::array::from_fn(|_| TableRows::default()),
            unknown: UnknownFields::default(),
        }
    }

    /// Appends rows in their final order. `times` are those of their messages, for tables with rows per
    /// message.
    pub(super) fn push(
        &mut self,
        table: Table,
        batch: RecordBatch,
        times: Option<TimestampMicrosecondArray>,
    ) -> Result<(), SnapshotError> {
        let bytes = batch_bytes(&batch);
        let rows = &mut self.tables[table as usize];
        // A large batch is not copied to join it with others.
        if rows.bytes > 0 && rows.bytes + bytes > MAX_PENDING {
            self.flush(table)?;
        }
        let rows = &mut self.tables[table as usize];
        rows.pending.push(Slice { batch, times });
        rows.bytes += bytes;
        if rows.bytes > MAX_PENDING { self.flush(table) } else { Ok(()) }
    }

    /// Passes full batches on, and lets writers close files of the target size. Call it after each contact.
    pub(super) fn end_contact(&mut self) -> Result<(), SnapshotError> {
        for table in Table::ALL {
            let rows = &self.tables[table as usize];
            if rows.bytes > 0 && rows.bytes >= self.spec.batch_bytes() as u64 {
                self.flush(table)?;
            }
            let rows = &mut self.tables[table as usize];
            if rows.pending.is_empty()
                && let Some(thread) = &mut rows.thread
            {
                thread.end_contact()?;
            }
        }
        Ok(())
    }

    /// Writes all rows and closes all files.
    pub(super) fn finish(mut self) -> Result<(Vec<StagedFile>, UnknownFields), SnapshotError> {
        for table in Table::ALL {
            self.flush(table)?;
        }
        let mut threads: Vec<_> = self.tables.into_iter().filter_map(|rows| rows.thread).collect();
        for thread in &mut threads {
            thread.begin_finish()?;
        }
        let mut files = Vec::new();
        for thread in threads {
            files.extend(thread.finish()?);
        }
        Ok((files, self.unknown))
    }

    fn flush(&mut self, table: Table) -> Result<(), SnapshotError> {
        let rows = &mut self.tables[table as usize];
        let (pending, bytes) = (std::mem::take(&mut rows.pending), std::mem::take(&mut rows.bytes));
        let Some(slice) = joined(pending).map_err(|error| failure(&self.stage, error))? else {
            return Ok(());
        };
        count_extra(table, &slice.batch, &mut self.unknown);
        let batch = stamped(table, &slice.batch, &self.stamp);
        let thread = match &mut rows.thread {
            Some(thread) => thread,
            none => none.insert(WriterThread::start(&self.spec, table, &self.stage)?),
        };
        let message_time = slice.times.filter(|_| table.is_per_message());
        drop(slice.batch);
        thread.write(Rows { table, batch, message_time })?;
        if bytes > LARGE {
            thread.wait()?;
        }
        Ok(())
    }
}

/// Joins slices into one.
fn joined(mut slices: Vec<Slice>) -> Result<Option<Slice>, arrow::error::ArrowError> {
    if slices.len() < 2 {
        return Ok(slices.pop());
    }
    let batches: Vec<_> = slices.iter().map(|slice| &slice.batch).collect();
    let batch = concat_batches(&batches[0].schema(), batches)?;
    let times: Vec<&dyn Array> =
        slices.iter().filter_map(|slice| slice.times.as_ref().map(|times| times as &dyn Array)).collect();
    let times = if times.len() == slices.len() {
        Some(concat(&times)?.as_primitive::<TimestampMicrosecondType>().clone())
    } else {
        None
    };
    Ok(Some(Slice { batch, times }))
}

/// Writes the ID and the time of the snapshot into all rows.
fn stamped(table: Table, batch: &RecordBatch, stamp: &Stamp) -> RecordBatch {
    let rows = batch.num_rows();
    let columns = table.columns().iter().zip(batch.columns()).map(|(column, values)| -> ArrayRef {
        match column.name {
            "exported_at" => {
                let times = TimestampMicrosecondArray::from_value(stamp.exported_at, rows);
                Arc::new(times.with_timezone("UTC"))
            }
            "run_id" => {
                Arc::new(StringArray::from_iter_values(std::iter::repeat_n(stamp.run_id.as_str(), rows)))
            }
            _ => Arc::clone(values),
        }
    });
    RecordBatch::try_new(table.arrow(), columns.collect()).expect("the columns of the table")
}

/// Counts the fields in `extra`.
fn count_extra(table: Table, batch: &RecordBatch, unknown: &mut UnknownFields) {
    let Some(extra) = batch.column_by_name("extra").and_then(|column| column.as_string_opt::<i32>()) else {
        return;
    };
    for text in extra.iter().flatten() {
        if let Ok(document) = Document::parse(text) {
            for (name, _) in document.root().members() {
                unknown.count(table, &name);
            }
        }
    }
}
