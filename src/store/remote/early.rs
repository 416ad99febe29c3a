//! Transfers staged files while the run still reads and writes others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};

use super::RemoteStore;
use super::runtime::spawn;
use super::uploads::{FILES_AT_ONCE, OwnedFile, Plan};
use crate::durable::StorageError;
use crate::store::staged::{StagedFile, StagingFolder};

/// Transfers staged files in the background. A clone adds to the same transfers.
///
/// A transfer that fails is repeated by [`crate::store::Store::upload`].
#[derive(Clone, Debug)]
pub struct EarlyUploads(Arc<Transfers>);

#[derive(Debug)]
struct Transfers {
    store: RemoteStore,
    /// `None` after the last file.
    files: Mutex<Option<UnboundedSender<OwnedFile>>>,
    ended: Mutex<mpsc::Receiver<()>>,
    /// True after a failure, and when no more transfers are to begin.
    is_stopped: Arc<AtomicBool>,
}

impl EarlyUploads {
    pub(super) fn start(store: &RemoteStore, from: StagingFolder) -> Result<Self, StorageError> {
        let plan = Plan::new(store, from, &[])?;
        let (sender, files) = unbounded::<OwnedFile>();
        let (end, ended) = mpsc::channel();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_stopped);
        spawn(async move {
            let transfer = |file: OwnedFile| {
                let (plan, is_stopped) = (Arc::clone(&plan), Arc::clone(&stop));
                async move {
                    if is_stopped.load(Ordering::Relaxed) {
                        plan.skip(&file);
                    } else if plan.transfer_once(&file).await.is_err() {
                        // The others would fail, too. `upload` transfers them, and reports the error.
                        is_stopped.store(true, Ordering::Relaxed);
                    }
                }
            };
            files.map(transfer).buffer_unordered(FILES_AT_ONCE).collect::<()>().await;
            // The receiver is gone if the run has failed meanwhile.
            let _ = end.send(());
        })?;
        let files = Mutex::new(Some(sender));
        let (store, ended) = (store.clone(), Mutex::new(ended));
        Ok(Self(Arc::new(Transfers { store, files, ended, is_stopped })))
    }

    /// Adds a staged file, which does not change any more.
    pub fn add(&self, file: &StagedFile) {
        let files = self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(files) = &*files {
            self.0.store.bytes_left.add(file.bytes);
            if files.unbounded_send(OwnedFile::of(file)).is_err() {
                self.0.store.bytes_left.sub(file.bytes);
            }
        }
    }

    /// Begins no more transfers, and waits for those that have begun.
    pub fn finish(&self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
        drop(self.0.files.lock().unwrap_or_else(PoisonError::into_inner).take());
        // An error means that the transfers have ended already.
        let _ = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner).recv();
    }
}
