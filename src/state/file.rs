//! A file of the state's kind: written and synced as a whole, read row by row.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};

use super::columns::Record;
use super::{Row, StateError};
use crate::bounded::Input;
use crate::digest::sha256_of_file;
use crate::durable::{self, Opened, StorageError};

/// The version of the columns: grows when one changes its meaning.
const VERSION: &str = "1";
/// Rows encoded at a time.
const BATCH_ROWS: usize = 8192;

/// A file that is written and synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Writes a new file with these rows. `scope` is what they hold for, and is kept beside them.
///
/// When it cannot be synced it is given up, and written anew, once.
pub(super) fn write<R: Record, I: Iterator<Item = Result<R, StateError>>>(
    path: &Path,
    scope: &str,
    rows: impl Fn() -> Result<I, StateError>,
) -> Result<Written, StateError> {
    let write = || {
        durable::remove_file(path)?; // what a killed run may have left, or the file that is given up
        let file = durable::create_new(path)?;
        let (file, count) = encode(path, file, scope, rows()?)?;
        durable::sync(&file, path)?;
        let (sha256, bytes) = sha256_of_file(path)?;
        Ok(Written { rows: count, bytes, sha256 })
    };
    write().or_else(|error: StateError| if error.is_failed_sync() { write() } else { Err(error) })
}

fn encode<R: Record>(
    path: &Path,
    file: File,
    scope: &str,
    rows: impl Iterator<Item = Result<R, StateError>>,
) -> Result<(File, u64), StateError> {
    let refused = |source: ParquetError| match source {
        ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(io) => durable::StorageError::new("write", path, *io).into(),
            Err(cause) => StateError::Encode { path: path.to_owned(), source: ParquetError::External(cause) },
        },
        source => StateError::Encode { path: path.to_owned(), source },
    };
    let key_values = [("kind", R::KIND), ("state_version", VERSION), ("scope", scope)]
        .map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()));
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(format!("chatzy-export {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(key_values.to_vec()))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(file, R::schema(), options).map_err(refused)?;
    let (mut count, mut pending) = (0, Vec::with_capacity(BATCH_ROWS));
    let flush = |pending: &mut Vec<R>, writer: &mut ArrowWriter<File>| {
        let batch = R::batch(pending).map_err(ParquetError::from);
        pending.clear();
        batch.and_then(|batch| writer.write(&batch)).map_err(refused)
    };
    for row in rows {
        pending.push(row?);
        count += 1;
        if pending.len() == BATCH_ROWS {
            flush(&mut pending, &mut writer)?;
        }
    }
    flush(&mut pending, &mut writer)?;
    Ok((writer.into_inner().map_err(refused)?, count))
}

/// The rows of a file, one after the other.
pub(super) struct Reader<R> {
    path: PathBuf,
    batches: ParquetRecordBatchReader,
    rows: IntoIter<R>,
    /// What the rows hold for.
    pub(super) scope: String,
    kind: PhantomData<R>,
}

/// A file of this kind below a folder. No component below the folder may be a symbolic link.
#[derive(Clone, Debug)]
pub struct FileBelow {
    /// The folder.
    pub base: PathBuf,
    /// The path below it.
    pub relative: PathBuf,
}

impl FileBelow {
    pub(super) fn open<R: Record>(&self) -> Result<Reader<R>, StateError> {
        open(&self.base, &self.relative)
    }
}

/// Opens a file below `base`. No component below `base` may be a symbolic link.
pub(super) fn open<R: Record>(base: &Path, relative: &Path) -> Result<Reader<R>, StateError> {
    let path = base.join(relative);
    let unreadable = |what: String| StateError::Unreadable { path: path.clone(), what };
    let file = match durable::open_below(base, relative)? {
        Opened::File(file, _) => file,
        Opened::Missing => {
            return Err(StorageError::new("read", &path, io::ErrorKind::NotFound.into()).into());
        }
        Opened::NotRegular => return Err(unreadable(durable::NOT_REGULAR.to_owned())),
    };
    let input = Input::open(file).map_err(|error| unreadable(error.to_string()))?;
    let key_values = input.footer().metadata().file_metadata().key_value_metadata();
    let value = |key: &str| {
        let found = key_values.into_iter().flatten().find(|pair| pair.key == key);
        found.and_then(|pair| pair.value.clone())
    };
    if value("kind").as_deref() != Some(R::KIND) {
        return Err(unreadable(format!("it is no {}", R::KIND)));
    }
    if value("state_version").as_deref() != Some(VERSION) {
        return Err(unreadable("another version of this program has written it".to_owned()));
    }
    let scope = value("scope").unwrap_or_default();
    let batches = input.rows(None).map_err(|error| unreadable(error.to_string()))?;
    Ok(Reader { path, batches, rows: Vec::new().into_iter(), scope, kind: PhantomData })
}

impl<R: Record> Iterator for Reader<R> {
    type Item = Result<R, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let batch = self.batches.next()?;
            match batch.map_err(|error| error.to_string()).and_then(|batch| R::rows(&batch)) {
                Ok(rows) => self.rows = rows.into_iter(),
                Err(what) => return Some(Err(StateError::Unreadable { path: self.path.clone(), what })),
            }
        }
    }
}

/// Reads the rows of a state below `base`.
///
/// # Errors
/// When it is none, is reached through a symbolic link below `base`, or cannot be read.
pub fn read(
    base: &Path,
    relative: &Path,
) -> Result<impl Iterator<Item = Result<Row, StateError>>, StateError> {
    open::<Row>(base, relative)
}
