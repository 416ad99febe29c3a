//! Writes a Parquet file anew, with the settings of a run.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};

use super::{IsLeftOut, RewriteError, state};
use crate::bounded::Input;
use crate::durable;
use crate::output::encoder::{Encoder, Framing, Groups, Style};
use crate::output::erased::FileState;
use crate::output::part::PartFile;
use crate::output::pending::GroupSize;
use crate::output::rows;
use crate::settings::Format;
use crate::table::{Column, Table};

/// Writes the rows that are kept.
pub(super) fn rewrite(
    source: File,
    (table, format, is_by_row): (Table, Format, bool),
    target: &Path,
    is_left_out: IsLeftOut,
) -> Result<Option<FileState>, RewriteError> {
    let damaged = |error: parquet::errors::ParquetError| RewriteError::Damaged(error.to_string());
    let input = Input::open(source).map_err(damaged)?;
    let (columns, schema) = columns_of(table, input.footer().schema())?;
    let framing = if is_by_row { Framing::EachGroup } else { Framing::WholeFile };
    let style = Style::new(table, columns, schema.clone(), format, framing);
    durable::remove_file(target)?; // left by an interrupted command
    let mut file = NewFile {
        encoder: Encoder::new(&style, PartFile::new(target.to_owned()), None)?,
        size: GroupSize::default(),
        group_bytes: style.group_bytes(),
        rows: 0,
        created_at: None,
    };
    for batch in input.rows(None).map_err(damaged)? {
        let batch = batch.map_err(|error| RewriteError::Damaged(error.to_string()))?;
        let kept = kept_rows(&batch, is_left_out);
        if kept.is_empty() {
            continue;
        }
        let whole = kept.len() == batch.num_rows();
        let rows = if whole { Ok(batch) } else { rows::pick(&batch, &kept) };
        let rows = rows.and_then(|rows| RecordBatch::try_new(schema.clone(), rows.columns().to_vec()));
        file.write(rows.map_err(|error| RewriteError::Damaged(error.to_string()))?)?;
    }
    if file.rows == 0 {
        drop(file);
        durable::remove_file(target)?;
        return Ok(None);
    }
    file.encoder.end_group()?;
    let finished = file.encoder.finish(&style, Groups::Keep)?;
    Ok(Some(state(finished, file.rows, file.created_at)))
}

struct NewFile {
    encoder: Encoder,
    size: GroupSize,
    group_bytes: u64,
    rows: u64,
    created_at: Option<(i64, i64)>,
}

impl NewFile {
    fn write(&mut self, mut batch: RecordBatch) -> Result<(), RewriteError> {
        self.rows += batch.num_rows() as u64;
        self.created_at = rows::joined_range(self.created_at, rows::created_at_range(&batch));
        loop {
            let fitting = self.size.fill(&batch, self.group_bytes);
            self.encoder.write(&batch.slice(0, fitting))?;
            if fitting == batch.num_rows() {
                return Ok(());
            }
            batch = batch.slice(fitting, batch.num_rows() - fitting);
            self.encoder.end_group()?;
            self.size = GroupSize::default();
        }
    }
}

/// Returns the columns of the file, which has those of the version that wrote it.
fn columns_of(table: Table, found: &SchemaRef) -> Result<(Vec<Column>, SchemaRef), RewriteError> {
    let (mut columns, mut fields) = (Vec::new(), Vec::new());
    for field in found.fields() {
        let Some(at) = table.columns().iter().position(|column| column.name == field.name()) else {
            return Err(RewriteError::Newer(format!("the column {} is not known", field.name())));
        };
        columns.push(table.columns()[at]);
        fields.push(table.arrow().field(at).clone());
    }
    Ok((columns, Schema::new(fields).into()))
}

/// Returns the numbers of the rows that are kept.
fn kept_rows(batch: &RecordBatch, is_left_out: IsLeftOut) -> Vec<u32> {
    let ids = batch.column_by_name("contact_id").and_then(|column| column.as_string_opt::<i32>());
    let is_kept = |row: &u32| {
        let at = *row as usize;
        !is_left_out(ids.filter(|ids| ids.is_valid(at)).map_or("", |ids| ids.value(at)))
    };
    (0..u32::try_from(batch.num_rows()).unwrap_or(u32::MAX)).filter(is_kept).collect()
}
