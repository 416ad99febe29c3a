//! Writes the archive's files, each closed at the first contact after its size.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::line::{write_answer, write_contact};
use super::{RAW, RawAnswer, RawContact};
use crate::durable;
use crate::id::RunId;
use crate::output::jsonl::Sink;
use crate::output::manifest::FileEntry;
use crate::output::part::PartFile;
use crate::output::{ExportPath, OutputError};
use crate::settings::JsonlCodec;

/// The level of zstd: on pages of the service a higher one saves little, and takes longer than all else of a run.
const LEVEL: i32 = 3;

/// Writes the archive of a run. After an error it is of no use any more.
pub struct RawWriter {
    run_id: RunId,
    staging: PathBuf,
    target: u64,
    file: Option<OpenFile>,
    files: Vec<FileEntry>,
}

struct OpenFile {
    path: ExportPath,
    sink: Sink,
    rows: u64,
    /// Bytes of text that may be in the compressor still.
    held: u64,
}

/// Counts what goes by.
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
    /// A writer into `staging`, which mirrors the output folder, of files of about `target` bytes.
    pub fn new(run_id: &RunId, target: u64, staging: &Path) -> Self {
        Self { run_id: run_id.clone(), staging: staging.to_owned(), target, file: None, files: Vec::new() }
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn answer(&mut self, answer: &RawAnswer, body: &[u8]) -> Result<(), OutputError> {
        self.line(|out| write_answer(answer, body, out))
    }

    /// Takes how a contact ended.
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
        let path = ExportPath::data(RAW, &self.run_id, number, "jsonl.zst");
        let mut sink = Sink::new(PartFile::new(self.staging.join(&path)));
        let begun = sink.begin(JsonlCodec::Zstd(LEVEL));
        sink.checked(begun)?;
        Ok(OpenFile { path, sink, rows: 0, held: 0 })
    }

    /// Says that a contact has no more lines for now: a file that has reached its size is closed.
    ///
    /// # Errors
    /// When a file cannot be written or synced.
    pub fn end_contact(&mut self) -> Result<(), OutputError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        // What the compressor holds is less than its text: below this the file cannot have its size yet.
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

    /// Closes the last file, makes all and their names durable, and lists them.
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
