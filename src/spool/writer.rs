//! The single thread that writes the spool.
//!
//! Fetch tasks send records over a short queue and wait for the location. So a page is in the file before the
//! next page of its contact is requested, and memory holds no more bodies than requests in flight.
//!
//! Files are synced every [`SYNC_EVERY`]. A kill loses nothing; a power failure loses at most the records
//! since the last sync. If the sync of a segment fails, a copy replaces the segment, once.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::copy::copy_segment;
use super::frame::{Framer, SEGMENT_HEAD};
use super::{Entry, RecordLocation, SEGMENT_BYTES, SpoolBody, SpoolError, segment_path};
use crate::durable::{self, OnPath, StorageError};
use crate::event::{Event, SharedObserver};

/// Maximum time between two syncs: the part of a run that a power failure may lose.
const SYNC_EVERY: Duration = Duration::from_secs(2);
/// Records that may wait for the thread. Their senders wait too, so the queue can be short.
const QUEUE: usize = 16;

struct Append {
    head: Vec<u8>,
    body: SpoolBody,
    done: oneshot::Sender<RecordLocation>,
}

/// The sending end, cloned into every fetch task.
#[derive(Clone)]
pub struct Appender(mpsc::Sender<Append>);

impl Appender {
    /// Appends a record, waits until it is in the file, and returns its location.
    ///
    /// # Errors
    /// [`SpoolError::Closed`] when the thread has ended. [`Writer::finish`] returns the reason.
    pub async fn append(&self, entry: &Entry, body: SpoolBody) -> Result<RecordLocation, SpoolError> {
        let head = serde_json::to_vec(entry).map_err(|_| SpoolError::Closed)?;
        let (done, place) = oneshot::channel();
        self.0.send(Append { head, body, done }).await.map_err(|_| SpoolError::Closed)?;
        place.await.map_err(|_| SpoolError::Closed)
    }
}

/// Handle of the writing thread.
pub struct Writer {
    thread: JoinHandle<Result<(), SpoolError>>,
}

impl Writer {
    /// Creates the segment with the number `first_segment`, and starts the thread that writes it.
    ///
    /// # Errors
    /// When the segment cannot be created.
    pub fn start(
        folder: &Path,
        first_segment: u32,
        observer: SharedObserver,
    ) -> Result<(Self, Appender), SpoolError> {
        let mut log = Log::open(folder.to_owned(), first_segment, observer)?;
        let (sender, mut queue) = mpsc::channel::<Append>(QUEUE);
        let thread = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || {
                while let Some(append) = queue.blocking_recv() {
                    let place = log.append(&append.head, &append.body)?;
                    drop(append.body);
                    // A cancelled sender does not need the location. The record is valid anyway.
                    let _unused = append.done.send(place);
                    log.sync_when_due()?;
                }
                log.sync()
            })
            .on("start the spool thread for", folder)?;
        Ok((Self { thread }, Appender(sender)))
    }

    /// Waits for the thread. It syncs and ends when the last [`Appender`] is dropped.
    ///
    /// # Errors
    /// The error that ended the thread.
    pub fn finish(self) -> Result<(), SpoolError> {
        self.thread.join().unwrap_or(Err(SpoolError::Closed))
    }
}

/// The segment that is being written.
struct Log {
    folder: PathBuf,
    number: u32,
    path: PathBuf,
    file: File,
    framer: Framer,
    end: u64,
    synced: u64,
    last_sync: Instant,
    may_fail_to_sync: bool,
    observer: SharedObserver,
}

impl Log {
    fn open(folder: PathBuf, number: u32, observer: SharedObserver) -> Result<Self, SpoolError> {
        let path = segment_path(&folder, number);
        let framer = Framer::new().on("set up compression for", &path)?;
        let file = new_segment(&folder, &path)?;
        let end = SEGMENT_HEAD.len() as u64;
        Ok(Self {
            folder,
            number,
            path,
            file,
            framer,
            end,
            synced: 0,
            last_sync: Instant::now(),
            may_fail_to_sync: true,
            observer,
        })
    }

    fn append(&mut self, head: &[u8], body: &SpoolBody) -> Result<RecordLocation, SpoolError> {
        if self.end >= SEGMENT_BYTES {
            self.rotate()?;
        }
        let record = self.framer.frame(head, body).on("make a record for", &self.path)?;
        self.file.write_all(record).on("write", &self.path)?;
        let bytes = u32::try_from(record.len()).map_err(|_| {
            StorageError::new("write", &self.path, io::Error::other("a record of over 4 GiB"))
        })?;
        let place = RecordLocation { segment: self.number, offset: self.end, bytes };
        self.end += u64::from(bytes);
        self.framer.shrink();
        Ok(place)
    }

    fn rotate(&mut self) -> Result<(), SpoolError> {
        self.sync()?;
        self.number += 1;
        self.path = segment_path(&self.folder, self.number);
        self.file = new_segment(&self.folder, &self.path)?;
        self.end = SEGMENT_HEAD.len() as u64;
        self.synced = 0;
        Ok(())
    }

    fn sync_when_due(&mut self) -> Result<(), SpoolError> {
        if self.last_sync.elapsed() >= SYNC_EVERY { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<(), SpoolError> {
        if self.synced < self.end {
            match durable::sync(&self.file, &self.path) {
                Err(failed) if self.may_fail_to_sync => {
                    self.may_fail_to_sync = false;
                    self.observer.event(Event::SyncFailed { reason: failed.describe() });
                    // Locations stay valid: the copy has the same bytes and the same name.
                    self.file = copy_segment(&self.file, &self.path, self.end)?;
                }
                synced => synced?,
            }
            self.synced = self.end;
        }
        self.last_sync = Instant::now();
        Ok(())
    }
}

fn new_segment(folder: &Path, path: &Path) -> Result<File, StorageError> {
    let mut file = durable::create_new(path)?;
    file.write_all(SEGMENT_HEAD).on("write", path)?;
    durable::sync_dir(folder)?;
    Ok(file)
}
