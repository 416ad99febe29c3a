//! Sorts rows by key columns, on disk if they do not fit in memory. Rows with equal keys keep their order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{SortOptions, interleave_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};

use super::SnapshotError;
use super::spill::{Extent, Spill, SpilledBatches, failure};
use crate::output::{batch_bytes, row_bytes};

/// Bytes of rows that are sorted in memory.
const MEMORY_BYTES: u64 = 32 << 20;
/// Bytes of rows in a sorted batch. Only a single row may exceed it.
const BATCH_BYTES: u64 = 256 << 10;
/// Maximum number of rows in a sorted batch.
const BATCH_ROWS: usize = 1024;
/// Memory for the batches of the extents that are merged at once.
const MERGE_BYTES: usize = 48 << 20;
/// Memory of the decoder of an extent.
const DECODER_BYTES: usize = 1 << 20;

/// Appends a key column to a batch.
///
/// # Panics
/// If the key has another number of rows.
pub fn with_key(batch: &RecordBatch, name: &str, key: ArrayRef) -> RecordBatch {
    let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(name, key.data_type().clone(), true)));
    let columns = batch.columns().iter().cloned().chain([key]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a key for each row")
}

/// Collects rows to be sorted.
pub struct Sorter {
    folder: PathBuf,
    names: Vec<&'static str>,
    /// Set by the first batch.
    keys: Option<Keys>,
    pending: Vec<RecordBatch>,
    bytes: u64,
    spill: Option<Spill>,
    extents: Vec<Extent>,
    /// Bytes of rows that are sorted in memory.
    memory: u64,
    /// Memory for the batches of the extents that are merged at once.
    merge: usize,
}

/// The key columns.
struct Keys {
    schema: SchemaRef,
    columns: Vec<usize>,
    converter: RowConverter,
}

impl Keys {
    fn new(schema: SchemaRef, names: &[&str]) -> Result<Self, ArrowError> {
        let columns = names.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let options = SortOptions { descending: false, nulls_first: false };
        let field = |at: &usize| SortField::new_with_options(schema.field(*at).data_type().clone(), options);
        let converter = RowConverter::new(columns.iter().map(field).collect())?;
        Ok(Self { schema, columns, converter })
    }

    fn of(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let columns: Vec<_> = self.columns.iter().map(|at| batch.column(*at).clone()).collect();
        self.converter.convert_columns(&columns)
    }

    /// Returns the batches and row numbers of all rows, in their order.
    fn order(&self, batches: &[RecordBatch]) -> Result<Vec<(usize, usize)>, ArrowError> {
        let keys = batches.iter().map(|batch| self.of(batch)).collect::<Result<Vec<_>, _>>()?;
        let rows = batches.iter().enumerate();
        let mut order: Vec<_> =
            rows.flat_map(|(at, batch)| (0..batch.num_rows()).map(move |row| (at, row))).collect();
        order.sort_by(|left, right| keys[left.0].row(left.1).cmp(&keys[right.0].row(right.1)));
        Ok(order)
    }
}

impl Sorter {
    /// Creates a sorter by the columns with these names. Temporary files go to `folder`.
    pub fn new(folder: &Path, names: &[&'static str]) -> Self {
        Self::with_memory(folder, names, MEMORY_BYTES, MERGE_BYTES)
    }

    /// Creates a sorter with this much memory.
    pub(super) fn with_memory(folder: &Path, names: &[&'static str], memory: u64, merge: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            names: names.to_vec(),
            keys: None,
            pending: Vec::new(),
            bytes: 0,
            spill: None,
            extents: Vec::new(),
            memory,
            merge,
        }
    }

    /// Adds rows. All batches have the same columns.
    ///
    /// # Errors
    /// If a temporary file cannot be written.
    pub fn push(&mut self, batch: RecordBatch) -> Result<(), SnapshotError> {
        self.bytes += batch_bytes(&batch);
        self.pending.push(batch);
        if self.bytes > self.memory { self.spill() } else { Ok(()) }
    }

    /// Returns all rows in their order.
    ///
    /// # Errors
    /// If a temporary file cannot be written or read.
    pub fn finish(mut self) -> Result<Sorted, SnapshotError> {
        if self.extents.is_empty() {
            return self.sorted().map(Sorted::InMemory);
        }
        if !self.pending.is_empty() {
            self.spill()?;
        }
        while let Some(spill) = self.spill.take() {
            let groups = groups(std::mem::take(&mut self.extents), self.merge);
            if let [all] = groups.as_slice() {
                return self.merge(&spill, all).map(|merge| Sorted::Merged(Box::new(merge)));
            }
            let mut next = Spill::new(&self.folder)?;
            for group in &groups {
                let merge = self.merge(&spill, group)?;
                self.extents.push(next.write(&merge.keys.schema.clone(), merge)?);
            }
            self.spill = Some(next);
        }
        Ok(Sorted::InMemory(Chunks::default()))
    }

    /// Sorts the rows in memory.
    fn sorted(&mut self) -> Result<Chunks, SnapshotError> {
        let failed = |error| failure(&self.folder, error);
        let batches = std::mem::take(&mut self.pending);
        self.bytes = 0;
        let Some(first) = batches.first() else { return Ok(Chunks::default()) };
        let keys = match &mut self.keys {
            Some(keys) => keys,
            none => none.insert(Keys::new(first.schema(), &self.names).map_err(failed)?),
        };
        let order = keys.order(&batches).map_err(failed)?;
        let sizes = batches.iter().map(row_bytes).collect();
        Ok(Chunks { folder: self.folder.clone(), batches, sizes, order: order.into() })
    }

    /// Writes the rows in memory to disk.
    fn spill(&mut self) -> Result<(), SnapshotError> {
        let chunks = self.sorted()?;
        let Some(keys) = &self.keys else { return Ok(()) };
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::new(&self.folder)?),
        };
        self.extents.push(spill.write(&keys.schema, chunks)?);
        Ok(())
    }

    fn merge(&self, spill: &Spill, extents: &[Extent]) -> Result<Merge, SnapshotError> {
        let failed = |error| failure(&self.folder, error);
        let schema = self.keys.as_ref().map_or_else(|| Arc::new(Schema::empty()), |keys| keys.schema.clone());
        let mut merge = Merge {
            folder: self.folder.clone(),
            keys: Keys::new(schema, &self.names).map_err(failed)?,
            cursors: Vec::new(),
            next: BinaryHeap::new(),
        };
        for (at, extent) in extents.iter().enumerate() {
            merge.cursors.push(Cursor { batches: spill.read(extent)?, current: None, row: 0 });
            merge.load(at)?;
        }
        Ok(merge)
    }
}

/// Divides extents into groups that can be merged within the memory. Each has at least two extents, except
/// for the last one.
fn groups(extents: Vec<Extent>, merge: usize) -> Vec<Vec<Extent>> {
    let mut groups: Vec<Vec<Extent>> = Vec::new();
    let mut bytes = 0_usize;
    for extent in extents {
        let size = extent.largest + DECODER_BYTES;
        match groups.last_mut() {
            Some(group) if group.len() < 2 || bytes.saturating_add(size) <= merge => {
                bytes += size;
                group.push(extent);
            }
            _ => {
                bytes = size;
                groups.push(vec![extent]);
            }
        }
    }
    groups
}

/// Iterator over the sorted rows, in batches.
pub enum Sorted {
    /// Rows in memory.
    InMemory(Chunks),
    /// Rows on disk.
    Merged(Box<Merge>),
}

impl Iterator for Sorted {
    type Item = Result<RecordBatch, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::InMemory(chunks) => chunks.next(),
            Self::Merged(merge) => merge.next(),
        }
    }
}

/// Rows that were sorted in memory.
#[derive(Default)]
pub struct Chunks {
    folder: PathBuf,
    batches: Vec<RecordBatch>,
    sizes: Vec<Vec<u64>>,
    order: VecDeque<(usize, usize)>,
}

impl Iterator for Chunks {
    type Item = Result<RecordBatch, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut size = Size::default();
        let sizes = self.order.iter().map(|(batch, row)| self.sizes[*batch][*row]);
        let rows = sizes.take_while(|bytes| size.takes(*bytes)).count();
        if rows == 0 {
            return None;
        }
        let picked: Vec<_> = self.order.drain(..rows).collect();
        Some(pick(&self.batches, &picked).map_err(|error| failure(&self.folder, error)))
    }
}

/// The size of a batch that is being filled.
#[derive(Default)]
struct Size {
    bytes: u64,
    rows: usize,
}

impl Size {
    /// Counts a row of this size, unless the batch is full.
    fn takes(&mut self, bytes: u64) -> bool {
        if self.rows > 0 && (self.rows == BATCH_ROWS || self.bytes + bytes > BATCH_BYTES) {
            return false;
        }
        self.bytes += bytes;
        self.rows += 1;
        true
    }
}

/// Returns rows of several batches as one batch. Consecutive rows of one batch need no copy.
fn pick(batches: &[RecordBatch], picked: &[(usize, usize)]) -> Result<RecordBatch, ArrowError> {
    let follows = |pair: &[(usize, usize)]| pair[0].0 == pair[1].0 && pair[0].1 + 1 == pair[1].1;
    if let [(batch, row), ..] = picked
        && picked.windows(2).all(follows)
    {
        return Ok(batches[*batch].slice(*row, picked.len()));
    }
    interleave_record_batch(&batches.iter().collect::<Vec<_>>(), picked)
}

/// Merges sorted extents.
pub struct Merge {
    folder: PathBuf,
    keys: Keys,
    cursors: Vec<Cursor>,
    /// The key of each cursor's row, and the number of the cursor. Extents are in the order of their rows.
    next: BinaryHeap<Reverse<(OwnedRow, usize)>>,
}

struct Cursor {
    batches: SpilledBatches,
    current: Option<Current>,
    row: usize,
}

struct Current {
    batch: RecordBatch,
    keys: Rows,
    sizes: Vec<u64>,
}

impl Merge {
    /// Enters the row of a cursor, after it has moved. Returns true if it is in another batch than before.
    fn load(&mut self, at: usize) -> Result<bool, SnapshotError> {
        let cursor = &mut self.cursors[at];
        let mut is_other = false;
        while cursor.current.as_ref().is_none_or(|current| cursor.row == current.sizes.len()) {
            is_other = true;
            cursor.row = 0;
            let Some(batch) = cursor.batches.next().transpose()? else {
                cursor.current = None;
                return Ok(true);
            };
            let keys = self.keys.of(&batch).map_err(|error| failure(&self.folder, error))?;
            cursor.current = Some(Current { keys, sizes: row_bytes(&batch), batch });
        }
        if let Some(current) = &cursor.current {
            self.next.push(Reverse((current.keys.row(cursor.row).owned(), at)));
        }
        Ok(is_other)
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, SnapshotError> {
        let (mut size, mut picked, mut batches) = (Size::default(), Vec::new(), Vec::new());
        // The position of each cursor's batch among `batches`.
        let mut slots: Vec<Option<usize>> = vec![None; self.cursors.len()];
        while let Some(Reverse((_, at))) = self.next.peek() {
            let at = *at;
            let cursor = &mut self.cursors[at];
            let Some(current) = &cursor.current else { break };
            if !size.takes(current.sizes[cursor.row]) {
                break;
            }
            let slot = *slots[at].get_or_insert_with(|| {
                batches.push(current.batch.clone());
                batches.len() - 1
            });
            picked.push((slot, cursor.row));
            cursor.row += 1;
            self.next.pop();
            if self.load(at)? {
                slots[at] = None;
            }
        }
        if picked.is_empty() {
            return Ok(None);
        }
        pick(&batches, &picked).map(Some).map_err(|error| failure(&self.folder, error))
    }
}

impl Iterator for Merge {
    type Item = Result<RecordBatch, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
