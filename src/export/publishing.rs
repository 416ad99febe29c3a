//! The publication of a run, with reports of its transfers.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::event::{Event, SharedObserver};
use crate::lock::Lock;
use crate::publish::{self, Draft, PublishError, Published};
use crate::store::Store;

/// Time between two reports of the bytes that are left.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// Publishes the staged files while the lock is held. Blocks the thread.
pub(super) fn publish(
    out: &Store,
    work: &Path,
    draft: Draft,
    lock: &Lock,
    observer: &SharedObserver,
) -> Result<Published, PublishError> {
    let is_done = AtomicBool::new(false);
    let mut check = |_: &str| Ok(lock.check()?);
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            if out.folder().is_none() {
                let reporter = scope.spawn(|| report(out, &is_done, observer));
                let published = publish::publish(out, work, draft, &mut check);
                is_done.store(true, Ordering::Relaxed);
                reporter.thread().unpark();
                published
            } else {
                publish::publish(out, work, draft, &mut check)
            }
        })
    })
}

/// Reports the bytes that are left until the publication is done.
fn report(out: &Store, is_done: &AtomicBool, observer: &SharedObserver) {
    while !is_done.load(Ordering::Relaxed) {
        observer.event(Event::Uploading { bytes_left: out.bytes_left() });
        std::thread::park_timeout(REPORT_EVERY);
    }
}
