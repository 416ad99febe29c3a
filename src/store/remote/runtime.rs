//! Runs the requests of all stores on a few threads of their own, so that callers may block.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

use crate::durable::StorageError;

/// Threads for requests. They wait for the network most of the time.
const THREADS: usize = 2;

/// Never dropped: a drop would wait for requests that hang.
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Waits for the result of `work`. It may be called from asynchronous code, too: it blocks the calling thread,
/// as an access to a disk does.
pub(super) fn wait<T: Send + 'static, E: From<StorageError> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        // The receiver waits until it has the result.
        let _ = sender.send(work.await);
    });
    receiver.recv().unwrap_or_else(|_| {
        let why = io::Error::other("the thread of a request ended; this is a bug");
        Err(StorageError::new("use", Path::new("the object store"), why).into())
    })
}

/// Starts `work`, and does not wait for it.
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Result<(), StorageError> {
    drop(runtime()?.spawn(work));
    Ok(())
}

fn runtime() -> Result<&'static Runtime, StorageError> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let built = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("store")
        .enable_all()
        .build()
        .map_err(|error| StorageError::new("start threads for", Path::new("the object store"), error))?;
    Ok(RUNTIME.get_or_init(|| built))
}
