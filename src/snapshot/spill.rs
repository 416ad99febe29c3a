//! Sorted rows that wait on disk, in a nameless temporary file. They leave nothing behind.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::SnapshotError;
use crate::durable::{self, StorageError};

/// Level of zstd. Rows are read once, so speed counts more than size.
const LEVEL: i32 = 1;
/// Bytes read or written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// A temporary file.
pub(super) struct Spill {
    file: Arc<File>,
    folder: PathBuf,
    end: u64,
}

/// A part of the file: sorted rows.
pub(super) struct Extent {
    start: u64,
    end: u64,
    /// Memory of the largest batch.
    pub(super) largest: usize,
}

/// The batches of an extent.
pub(super) struct SpilledBatches {
    batches: StreamReader<zstd::Decoder<'static, BufReader<ExtentReader>>>,
    folder: PathBuf,
}

impl Spill {
    /// Creates the file.
    pub(super) fn new(folder: &Path) -> Result<Self, StorageError> {
        let file = Arc::new(durable::create_nameless(folder)?);
        Ok(Self { file, folder: folder.to_owned(), end: 0 })
    }

    /// Writes batches as one extent.
    pub(super) fn write(
        &mut self,
        schema: &SchemaRef,
        batches: impl Iterator<Item = Result<RecordBatch, SnapshotError>>,
    ) -> Result<Extent, SnapshotError> {
        let (start, folder) = (self.end, self.folder.clone());
        let failed = |error| failure(&folder, error);
        let writer = ExtentWriter { file: &self.file, at: start };
        let buffered = io::BufWriter::with_capacity(BUFFER_BYTES, writer);
        let compressed = zstd::Encoder::new(buffered, LEVEL).map_err(|error| failed(error.into()))?;
        let mut stream = StreamWriter::try_new(compressed, schema).map_err(failed)?;
        let mut largest = 0;
        for batch in batches {
            let batch = batch?;
            largest = largest.max(batch.get_array_memory_size());
            stream.write(&batch).map_err(failed)?;
        }
        let compressed = stream.into_inner().map_err(failed)?;
        let written = compressed.finish().and_then(|buffered| buffered.into_inner().map_err(io::Error::from));
        self.end = written.map_err(|error| failed(error.into()))?.at;
        Ok(Extent { start, end: self.end, largest })
    }

    /// Reads the batches of an extent.
    pub(super) fn read(&self, extent: &Extent) -> Result<SpilledBatches, SnapshotError> {
        let failed = |error| failure(&self.folder, error);
        let reader = ExtentReader { file: Arc::clone(&self.file), at: extent.start, end: extent.end };
        let buffered = BufReader::with_capacity(BUFFER_BYTES, reader);
        let text = zstd::Decoder::with_buffer(buffered).map_err(|error| failed(error.into()))?;
        let batches = StreamReader::try_new(text, None).map_err(failed)?;
        Ok(SpilledBatches { batches, folder: self.folder.clone() })
    }
}

impl Iterator for SpilledBatches {
    type Item = Result<RecordBatch, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next().map(|batch| batch.map_err(|error| failure(&self.folder, error)))
    }
}

/// Converts an error of Arrow, which may be one of the file system.
pub(super) fn failure(folder: &Path, error: ArrowError) -> SnapshotError {
    match error {
        ArrowError::IoError(_, error) => StorageError::new("use a temporary file in", folder, error).into(),
        source => SnapshotError::Sort { path: folder.to_owned(), source },
    }
}

struct ExtentWriter<'a> {
    file: &'a File,
    at: u64,
}

impl Write for ExtentWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.at)?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ExtentReader {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for ExtentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let length = buffer.len().min(rest);
        let read = self.file.read_at(&mut buffer[..length], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
