//! Writes the files of the archive. A file is closed at the first contact after it reaches its size.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::line::{write_answer, write_contact};
use super::{RAW, RawAnswer, RawContact};
use crate::durable;
use crate::id::{RunId, Shard};
use crate::output::jsonl::Sink;
use crate::output::manifest::FileEntry;
use crate::output::part::PartFile;
use crate::output::path::FileWriter;
use crate::output::{ExportPath, OutputError};
use crate::settings::JsonlCodec;
use crate::store::{EarlyUploads, StagedFile};

/// Level of zstd. On pages of the service a higher level saves little, and takes longer than the rest of a
/// run.
pub(in crate::output) const LEVEL: i32 = 3;

/// Writes the archive of a run. Unusable after an error.
pub struct RawWriter {
    writer: FileWriter,
    staging: PathBuf,
    target: u64,
    uploads: Option<EarlyUploads>,
    file: Option<OpenFile>,
    files: Vec<FileEntry>,
}

struct OpenFile {
    path: ExportPath,
    sink: Sink,
    rows: u64,
    /// Bytes of text that the compressor may still hold.
    held: u64,
}

/// Counts the written bytes.
struct Counted<'a> {
    sink: &'a mut Sink,
    bytes: &'a mut u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.sink.write(bytes)?;
        *self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl RawWriter {
    /// Creates a writer into `staging`, which mirrors the output folder. Files have about `target` bytes.
    pub fn new(run_id: &RunId, target: u64, staging: &Path) -> Self {
        let writer = FileWriter { run_id: run_id.clone(), shard: None };
        Self { writer, staging: staging.to_owned(), target, uploads: None, file: None, files: Vec::new() }
    }

    /// Writes the files of this shard of the run.
    pub fn of_shard(mut self, shard: Option<Shard>) -> Self {
        self.writer.shard = shard;
        self
    }

    /// Transfers each file as soon as it is closed.
    pub fn uploading(self, uploads: Option<EarlyUploads>) -> Self {
        Self { uploads, ..self }
    }

    /// Writes a response.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn answer(&mut self, answer: &RawAnswer, body: &[u8]) -> Result<(), OutputError> {
        self.line(|out| write_answer(answer, body, out))
    }

    /// Writes the outcome of a contact.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn contact(&mut self, contact: &RawContact) -> Result<(), OutputError> {
        self.line(|out| write_contact(contact, out))?;
        self.end_contact()
    }

    fn line(&mut self, write: impl FnOnce(&mut Counted<'_>) -> io::Result<()>) -> Result<(), OutputError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        let file = self.file.insert(file);
        file.rows += 1;
        let written = write(&mut Counted { sink: &mut file.sink, bytes: &mut file.held });
        file.sink.checked(written)
    }

    fn open(&self) -> Result<OpenFile, OutputError> {
        let number = self.files.len() as u64;
        let path = ExportPath::data(RAW, &self.writer, number, "jsonl.zst");
        let mut sink = Sink::new(PartFile::new(self.staging.join(&path)));
        let begun = sink.begin(JsonlCodec::Zstd(LEVEL));
        sink.checked(begun)?;
        Ok(OpenFile { path, sink, rows: 0, held: 0 })
    }

    /// Reports that a contact has no more lines for now. A file that has reached its size is closed.
    ///
    /// # Errors
    /// When a file cannot be written or synced.
    pub fn end_contact(&mut self) -> Result<(), OutputError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        // The compressed form is smaller than the held text. Below this sum the file cannot have reached its
        // size.
        if file.sink.bytes() + file.held < self.target {
            return Ok(());
        }
        let flushed = file.sink.flush_stream();
        file.sink.checked(flushed)?;
        file.held = 0;
        if file.sink.bytes() >= self.target { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), OutputError> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let ended = file.sink.end_frame();
        file.sink.checked(ended)?;
        let finished = file.sink.finish()?;
        if let Some(uploads) = &self.uploads {
            let (path, sha256) = (file.path.as_path(), finished.sha256.as_str());
            uploads.add(&StagedFile { path, bytes: finished.bytes, sha256 });
        }
        self.files.push(FileEntry {
            table: RAW.to_owned(),
            path: file.path,
            rows: file.rows,
            bytes: finished.bytes,
            sha256: finished.sha256,
            partition: Vec::new(),
            min_created_at: None,
            max_created_at: None,
        });
        Ok(())
    }

    /// Closes the last file, makes all files and their names durable, and returns them.
    ///
    /// # Errors
    /// When a file cannot be written or synced.
    pub fn finish(mut self) -> Result<Vec<FileEntry>, OutputError> {
        self.close()?;
        if !self.files.is_empty() {
            durable::sync_dir(&self.staging.join(RAW))?;
        }
        Ok(self.files)
    }
}
