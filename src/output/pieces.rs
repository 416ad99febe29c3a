//! Pieces of a long history that is still being read. Their rows are encoded before the position in the file
//! is known, and before it is known whether they are needed.
//!
//! The encoded pages wait in a nameless temporary file. They take almost no memory and leave nothing behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_writer::{
    ArrowRowGroupWriterFactory, PageKey, PageStore, PageStoreArgs, PageStoreFactory,
};
use parquet::errors::ParquetError;

use super::OutputError;
use super::pending::GroupSize;
use super::row_group::{ClosedGroup, OpenGroup};
use super::rows;
use crate::durable::{self, OnPath, StorageError};

/// The pieces of one table.
pub(super) struct Pieces {
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    group_bytes: u64,
    /// Folder of the nameless temporary file.
    folder: PathBuf,
    by_number: BTreeMap<u32, Piece>,
}

/// The rows of a piece, in their own groups.
#[derive(Default)]
pub(super) struct Piece {
    pub(super) groups: Vec<ClosedGroup>,
    pub(super) rows: u64,
    /// Bytes of the rows in memory.
    pub(super) bytes: u64,
    pub(super) created_at: Option<(i64, i64)>,
    open: Option<OpenGroup>,
    size: GroupSize,
}

impl Pieces {
    /// Creates an empty store for groups that `factory` makes.
    pub(super) fn new(
        factory: ArrowRowGroupWriterFactory,
        schema: &SchemaRef,
        group_bytes: u64,
        folder: &Path,
    ) -> Result<Self, OutputError> {
        let spill = Spill {
            file: durable::create_nameless(folder)?,
            end: AtomicU64::new(0),
            folder: folder.to_owned(),
        };
        Ok(Self {
            factory: factory.with_page_store_factory(Arc::new(Spilling(Arc::new(spill)))),
            schema: schema.clone(),
            group_bytes,
            folder: folder.to_owned(),
            by_number: BTreeMap::new(),
        })
    }

    /// Appends rows to a piece.
    pub(super) fn write(&mut self, number: u32, mut batch: RecordBatch) -> Result<(), OutputError> {
        let piece = self.by_number.entry(number).or_default();
        piece.rows += batch.num_rows() as u64;
        piece.created_at = rows::joined_range(piece.created_at, rows::created_at_range(&batch));
        while batch.num_rows() > 0 {
            let fitting = piece.size.fill(&batch, self.group_bytes);
            let rest = batch.slice(fitting, batch.num_rows() - fitting);
            let group = OpenGroup::of(&mut piece.open, &self.factory, &self.schema);
            let mut written = group.and_then(|group| group.write(&batch.slice(0, fitting)));
            if rest.num_rows() > 0 {
                written = written.and_then(|()| piece.end_group());
            }
            written.map_err(|source| refusal(source, &self.folder))?;
            batch = rest;
        }
        Ok(())
    }

    /// Ends a piece that has all its rows.
    pub(super) fn end(&mut self, number: u32) -> Result<(), OutputError> {
        let Some(piece) = self.by_number.get_mut(&number) else { return Ok(()) };
        piece.end_group().map_err(|source| refusal(source, &self.folder))
    }

    /// Removes and returns a piece; `None` if it has no rows.
    pub(super) fn take(&mut self, number: u32) -> Option<Piece> {
        self.by_number.remove(&number)
    }
}

impl Piece {
    fn end_group(&mut self) -> Result<(), ParquetError> {
        if let Some(group) = self.open.take() {
            self.groups.push(group.close()?);
            self.bytes += std::mem::take(&mut self.size).bytes;
        }
        Ok(())
    }
}

/// Converts an error of the encoder. An error of the file system may be wrapped in it.
pub(super) fn refusal(source: ParquetError, path: &Path) -> OutputError {
    match source {
        ParquetError::External(error) => match error.downcast::<StorageError>() {
            Ok(error) => OutputError::Storage(*error),
            Err(error) => {
                OutputError::Parquet { path: path.to_owned(), source: ParquetError::External(error) }
            }
        },
        source => OutputError::Parquet { path: path.to_owned(), source },
    }
}

/// A nameless temporary file.
#[derive(Debug)]
struct Spill {
    file: File,
    end: AtomicU64,
    folder: PathBuf,
}

/// Creates page stores that share the file.
#[derive(Debug)]
struct Spilling(Arc<Spill>);

/// The pages of one column in one group.
struct SpilledPages {
    spill: Arc<Spill>,
    /// Position and length of each page.
    pages: Vec<(u64, usize)>,
}

impl PageStoreFactory for Spilling {
    fn create(&self, _args: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>, ParquetError> {
        Ok(Box::new(SpilledPages { spill: Arc::clone(&self.0), pages: Vec::new() }))
    }
}

impl PageStore for SpilledPages {
    fn put(&mut self, page: Bytes) -> Result<PageKey, ParquetError> {
        let Spill { file, end, folder } = &*self.spill;
        let at = end.fetch_add(page.len() as u64, Ordering::Relaxed);
        file.write_all_at(&page, at).on("write a temporary file in", folder).map_err(external)?;
        self.pages.push((at, page.len()));
        Ok(PageKey::new(self.pages.len() as u64 - 1))
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes, ParquetError> {
        let page = usize::try_from(key.get()).ok().and_then(|key| self.pages.get(key));
        let Some((at, bytes)) = page else {
            return Err(ParquetError::General("an unknown page".to_owned()));
        };
        let Spill { file, folder, .. } = &*self.spill;
        let mut page = vec![0; *bytes];
        file.read_exact_at(&mut page, *at).on("read a temporary file in", folder).map_err(external)?;
        Ok(page.into())
    }
}

fn external(error: StorageError) -> ParquetError {
    ParquetError::External(Box::new(error))
}
