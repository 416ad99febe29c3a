//! Reads and writes a state or a decision. A file is written and synced as a whole, and read row by row.

use std::cell::RefCell;
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

use super::columns::FileRow;
use super::{StateError, StateRow};
use crate::bounded::Input;
use crate::digest::sha256_of_file;
use crate::durable::{self, Opened, StorageError};
use crate::store::Store;

/// Version of the columns. It grows if a column changes its meaning.
const VERSION: &str = "1";
/// Number of rows per batch.
const BATCH_ROWS: usize = 8192;

/// A written and synced file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// Number of its rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Writes a new file with these rows. Its metadata has `scope`, the part of the account for which the rows
/// are valid.
///
/// If the file cannot be synced, it is written again, once.
pub(super) fn write<R: FileRow, I: Iterator<Item = Result<R, StateError>>>(
    path: &Path,
    scope: &str,
    rows: impl Fn() -> Result<I, StateError>,
) -> Result<WrittenFile, StateError> {
    let write = || {
        durable::remove_file(path)?; // left by a killed run, or by a failed sync
        let file = durable::create_new(path)?;
        let (file, count) = encode(path, file, scope, rows()?)?;
        durable::sync(&file, path)?;
        let (sha256, bytes) = sha256_of_file(path)?;
        Ok(WrittenFile { rows: count, bytes, sha256 })
    };
    write().or_else(|error: StateError| if error.is_failed_sync() { write() } else { Err(error) })
}

fn encode<R: FileRow>(
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

/// Iterator over the rows of a file.
pub(super) struct Reader<R> {
    path: PathBuf,
    batches: ParquetRecordBatchReader,
    rows: IntoIter<R>,
    /// Part of the account for which the rows are valid.
    pub(super) scope: String,
    kind: PhantomData<R>,
}

/// Path of a file below a folder. No component below the folder may be a symbolic link.
#[derive(Clone, Debug)]
pub struct FileBelow {
    /// The export.
    pub base: Store,
    /// Path in the export.
    pub relative: PathBuf,
}

impl FileBelow {
    pub(super) fn open<R: FileRow>(&self) -> Result<Reader<R>, StateError> {
        open(&self.base, &self.relative)
    }
}

/// Opens a file below `base`. No component below `base` may be a symbolic link.
pub(super) fn open<R: FileRow>(base: &Store, relative: &Path) -> Result<Reader<R>, StateError> {
    let path = base.join(relative);
    let unreadable = |what: String| StateError::Unreadable { path: path.clone(), what };
    let file = match base.open(relative)? {
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
        return Err(unreadable(format!("it is not a {}", R::KIND)));
    }
    if value("state_version").as_deref() != Some(VERSION) {
        return Err(unreadable("another version of this program wrote it".to_owned()));
    }
    let scope = value("scope").unwrap_or_default();
    let batches = input.rows(None).map_err(|error| unreadable(error.to_string()))?;
    Ok(Reader { path, batches, rows: Vec::new().into_iter(), scope, kind: PhantomData })
}

impl<R: FileRow> Iterator for Reader<R> {
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

/// Writes a state anew to `path`, without the rows that are left out. Returns the new file, which is durable.
///
/// # Errors
/// When the file is not a state, or the new one cannot be written.
pub fn rewrite(
    state: &FileBelow,
    path: &Path,
    is_left_out: &RefCell<dyn FnMut(&str) -> bool + '_>,
) -> Result<WrittenFile, StateError> {
    let scope = state.open::<StateRow>()?.scope;
    write(path, &scope, || {
        let rows = state.open::<StateRow>()?;
        Ok(rows.filter(|row| row.as_ref().map_or(true, |row| !is_left_out.borrow_mut()(&row.contact_id))))
    })
}

/// Reads the rows of a state below `base`.
///
/// # Errors
/// When the file is not a state, is reached over a symbolic link below `base`, or cannot be read.
pub fn read(
    base: &Store,
    relative: &Path,
) -> Result<impl Iterator<Item = Result<StateRow, StateError>> + use<>, StateError> {
    open::<StateRow>(base, relative)
}
