//! Recently spooled pages, already parsed. Transform takes them from here before it reads files.
//!
//! If the API is faster than transform, fetch delays new contacts. Reading further ahead than fits in memory
//! ends no run earlier, and each page would be decompressed and parsed twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::RecordLocation;
use crate::json::Document;

/// Maximum bytes of documents. The other pages of a long history are read from the spool.
const MAX_BYTES: usize = 32 << 20;
/// Bytes above which no new contact starts while transform is busy. Started contacts continue.
const DELAY_BYTES: usize = 12 << 20;

/// Parsed pages by location. Each is taken once.
#[derive(Debug, Default)]
pub struct Recent {
    kept: Mutex<RecentPages>,
    /// Notified when there is room again, or transform waits.
    changed: Notify,
}

#[derive(Debug, Default)]
struct RecentPages {
    documents: HashMap<RecordLocation, Arc<Document<'static>>>,
    bytes: usize,
    /// Number of transform's threads that wait for a contact.
    waiting: usize,
}

impl RecentPages {
    fn has_room(&self) -> bool {
        self.waiting > 0 || self.bytes < DELAY_BYTES
    }
}

impl Recent {
    /// Keeps a document, if there is room.
    pub fn put(&self, place: RecordLocation, document: Arc<Document<'static>>) {
        let bytes = document.memory();
        let mut kept = self.lock();
        if kept.bytes + bytes <= MAX_BYTES {
            kept.bytes += bytes;
            kept.documents.insert(place, document);
        }
    }

    /// Takes a document out.
    pub fn take(&self, place: RecordLocation) -> Option<Arc<Document<'static>>> {
        self.change(|kept| {
            let document = kept.documents.remove(&place)?;
            kept.bytes -= document.memory();
            Some(document)
        })
    }

    /// The memory of a document that is kept, in bytes.
    pub fn memory(&self, place: RecordLocation) -> Option<usize> {
        self.lock().documents.get(&place).map(|document| document.memory())
    }

    /// Notes that a thread of transform waits for a contact. Until [`Self::end_wait`], new contacts start even
    /// without room: the awaited one may be among them.
    pub fn begin_wait(&self) {
        self.change(|kept| kept.waiting += 1);
    }

    /// Notes that the thread waits no more.
    pub fn end_wait(&self) {
        self.change(|kept| kept.waiting -= 1);
    }

    /// Waits until a new contact may start.
    pub async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            if self.lock().has_room() {
                return;
            }
            changed.await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut RecentPages) -> T) -> T {
        let mut kept = self.lock();
        let was_full = !kept.has_room();
        let changed = change(&mut kept);
        let is_full = !kept.has_room();
        drop(kept);
        if was_full && !is_full {
            self.changed.notify_waiters();
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, RecentPages> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn place(offset: u64) -> RecordLocation {
        RecordLocation { segment: 1, bytes: 1, offset }
    }

    fn document(bytes: usize) -> Arc<Document<'static>> {
        Arc::new(Document::parse(format!("\"{}\"", "x".repeat(bytes))).unwrap())
    }

    #[test]
    fn pages_that_do_not_fit_are_not_kept() {
        let recent = Recent::default();
        recent.put(place(1), document(MAX_BYTES / 2));
        recent.put(place(2), document(MAX_BYTES / 2));
        assert!(recent.take(place(2)).is_none());
        assert!(recent.take(place(1)).is_some() && recent.take(place(1)).is_none());
        recent.put(place(2), document(MAX_BYTES / 2));
        assert!(recent.take(place(2)).is_some());
    }

    #[test]
    fn a_new_contact_waits_only_while_transform_is_busy() {
        let recent = Recent::default();
        assert_eq!(recent.room().now_or_never(), Some(()));
        recent.put(place(1), document(DELAY_BYTES));
        let mut waiting = Box::pin(recent.room());
        assert_eq!((&mut waiting).now_or_never(), None);
        recent.take(place(1));
        assert_eq!(waiting.now_or_never(), Some(()));

        recent.put(place(2), document(DELAY_BYTES));
        let mut waiting = Box::pin(recent.room());
        assert_eq!((&mut waiting).now_or_never(), None);
        recent.begin_wait();
        recent.begin_wait();
        assert_eq!(waiting.now_or_never(), Some(()));
        recent.end_wait();
        assert_eq!(recent.room().now_or_never(), Some(()), "another thread waits");
        recent.end_wait();
        assert_eq!(recent.room().now_or_never(), None);
    }
}
