//! Reads the pages of a long history from the spool a second time, a few pages before their rows are needed.
//!
//! A separate thread decompresses and parses the pages while rows are flattened.

use std::panic;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::pages::parse;
use crate::durable::OnPath;
use crate::json::Document;
use crate::spool::{Reader, RecordLocation, SpoolError};

/// Maximum number of prefetched pages. [`super::pages`] bounds their size.
const MAX_AHEAD: usize = 4;

type ReadPage = Result<(u32, Option<Arc<Document<'static>>>), SpoolError>;

/// The reading thread. After a drop it ends with the current page.
pub struct Prefetch {
    pages: Option<Receiver<ReadPage>>,
    thread: Option<JoinHandle<()>>,
}

impl Prefetch {
    /// Starts to read these pages, given by number and location, in this order.
    pub fn start(folder: &Path, pages: Vec<(u32, RecordLocation)>) -> Result<Self, SpoolError> {
        let (sender, receiver) = sync_channel(MAX_AHEAD);
        let mut reader = Reader::new(folder.to_owned());
        let thread = thread::Builder::new()
            .name("read-again".to_owned())
            .spawn(move || read(&mut reader, &pages, &sender))
            .on("start the thread that reads", folder)?;
        Ok(Self { pages: Some(receiver), thread: Some(thread) })
    }

    /// The next page; `None` after the last.
    pub fn next(&mut self) -> Option<ReadPage> {
        if let Some(read) = self.pages.as_ref().and_then(|pages| pages.recv().ok()) {
            return Some(read);
        }
        if let Some(Err(panicked)) = self.thread.take().map(JoinHandle::join) {
            panic::resume_unwind(panicked);
        }
        None
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.pages = None;
        if let Some(thread) = self.thread.take() {
            // The pages, and errors of reading them, are no longer needed.
            let _unused = thread.join();
        }
    }
}

/// Body of the thread. It ends after the last page, after an error, or when the receiver is gone.
fn read(reader: &mut Reader, pages: &[(u32, RecordLocation)], sender: &SyncSender<ReadPage>) {
    for (page, place) in pages {
        let read = reader.body(*place).map(|body| (*page, parse(body)));
        let is_last = read.is_err();
        if sender.send(read).is_err() || is_last {
            return;
        }
    }
}
