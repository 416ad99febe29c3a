//! The pages of a long history, read from the spool a second time: a few ahead of the rows that stand on them, on a
//! thread of their own, so that unpacking and parsing go on beside flattening.

use std::panic;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::pages::parse;
use crate::durable::OnPath;
use crate::json::Document;
use crate::spool::{Reader, RecordLocation, SpoolError};

/// Pages read ahead. They are no large ones: see [`super::pages`].
const AHEAD: usize = 4;

type Read = Result<(u32, Option<Arc<Document<'static>>>), SpoolError>;

/// The thread. Dropped, it ends with the page at hand.
pub struct Prefetch {
    pages: Option<Receiver<Read>>,
    thread: Option<JoinHandle<()>>,
}

impl Prefetch {
    /// Begins to read these pages, each given with its number, in this order.
    pub fn start(folder: &Path, pages: Vec<(u32, RecordLocation)>) -> Result<Self, SpoolError> {
        let (sender, receiver) = sync_channel(AHEAD);
        let mut reader = Reader::new(folder.to_owned());
        let thread = thread::Builder::new()
            .name("read-again".to_owned())
            .spawn(move || read(&mut reader, &pages, &sender))
            .on("start the thread that reads", folder)?;
        Ok(Self { pages: Some(receiver), thread: Some(thread) })
    }

    /// The next page; none after the last.
    pub fn next(&mut self) -> Option<Read> {
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
            // Nobody wants the rest, and what the thread has to say of it neither.
            let _unwanted = thread.join();
        }
    }
}

/// The thread: until all are read, or nobody wants them.
fn read(reader: &mut Reader, pages: &[(u32, RecordLocation)], sender: &SyncSender<Read>) {
    for (page, place) in pages {
        let read = reader.body(*place).map(|body| (*page, parse(body)));
        let is_last = read.is_err();
        if sender.send(read).is_err() || is_last {
            return;
        }
    }
}
