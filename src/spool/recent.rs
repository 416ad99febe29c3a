//! Pages that were spooled a moment ago, as they were read: build takes them from here before it asks the files.
//!
//! Where the API is quicker than build, fetch holds back with new contacts: reading ahead of build by more than fits in
//! memory ends no run earlier, and has every page unpacked and read a second time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::RecordLocation;
use crate::json::Document;

/// Bytes of documents kept at most. What a long history leaves over is read from the spool.
const MOST_BYTES: usize = 32 << 20;
/// Bytes from which on no new contact is begun while build is busy. The contacts that were begun go on.
const ENOUGH_BYTES: usize = 12 << 20;

/// The documents. Each is taken once.
#[derive(Debug, Default)]
pub struct Recent {
    kept: Mutex<Kept>,
    /// Room was made, or build waits.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    documents: HashMap<RecordLocation, Arc<Document<'static>>>,
    bytes: usize,
    build_waits: bool,
}

impl Kept {
    fn has_room(&self) -> bool {
        self.build_waits || self.bytes < ENOUGH_BYTES
    }
}

impl Recent {
    /// Keeps a document, if there is room.
    pub fn put(&self, place: RecordLocation, document: Arc<Document<'static>>) {
        let bytes = document.memory();
        let mut kept = self.lock();
        if kept.bytes + bytes <= MOST_BYTES {
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

    /// Says whether build waits for a contact to be read. While it does, the contacts it could go on with may be many,
    /// and the one it waits for may be yet to begin.
    pub fn set_build_waits(&self, waits: bool) {
        self.change(|kept| kept.build_waits = waits);
    }

    /// Waits until a new contact may be begun.
    pub async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            if self.lock().has_room() {
                return;
            }
            changed.await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
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

    fn lock(&self) -> MutexGuard<'_, Kept> {
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
    fn what_does_not_fit_is_left_to_the_spool() {
        let recent = Recent::default();
        recent.put(place(1), document(MOST_BYTES / 2));
        recent.put(place(2), document(MOST_BYTES / 2));
        assert!(recent.take(place(2)).is_none());
        assert!(recent.take(place(1)).is_some() && recent.take(place(1)).is_none());
        recent.put(place(2), document(MOST_BYTES / 2));
        assert!(recent.take(place(2)).is_some());
    }

    #[test]
    fn a_new_contact_waits_for_a_busy_build_and_never_for_one_that_waits() {
        let recent = Recent::default();
        assert_eq!(recent.room().now_or_never(), Some(()));
        recent.put(place(1), document(ENOUGH_BYTES));
        let mut waiting = Box::pin(recent.room());
        assert_eq!((&mut waiting).now_or_never(), None);
        recent.take(place(1));
        assert_eq!(waiting.now_or_never(), Some(()));

        recent.put(place(2), document(ENOUGH_BYTES));
        let mut waiting = Box::pin(recent.room());
        assert_eq!((&mut waiting).now_or_never(), None);
        recent.set_build_waits(true);
        assert_eq!(waiting.now_or_never(), Some(()));
        recent.set_build_waits(false);
        assert_eq!(recent.room().now_or_never(), None);
    }
}
