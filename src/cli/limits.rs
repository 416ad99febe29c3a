//! Limits of the system on this process: open files, threads and memory.
//!
//! A command checks them at its start, because it could not report the shortage later.

use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

use crate::event::{Event, Observer};
use crate::settings::Connection;

/// Open files that a run needs besides its connections: spool segments, table files, pipes and libraries.
const OWN_FILES: u64 = 128;
/// Open files per request: the kept connection, and the next one while it opens.
const FILES_PER_REQUEST: u64 = 2;
/// Minimum number of open files, for a run with one request at a time.
const MIN_FILES: u64 = 48;
/// Threads besides those of the runtime: spool, five tables, raw archive, and three to spare.
const OWN_THREADS: usize = 10;
/// Maximum number of threads that flatten, unless `--threads` gives one. With more, the threads that write files
/// are the bottleneck.
const MAX_FLATTENING: usize = 8;
/// Threads for blocking work: build, the end of the spool, DNS, the metrics file, and everything that would
/// delay other tasks.
const BLOCKING_THREADS: usize = 8;
/// Maximum time for the start of the threads, even on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Time after which an idle thread ends: longer than any run.
const KEEP_ALIVE: Duration = Duration::from_hours(24 * 365);
/// Minimum memory for a command. With less, it would crash without an error message, or report a file as
/// damaged that it has no memory to read.
const MIN_MEMORY: u64 = 256 << 20;

/// A limit that is too low to start.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// Too little memory, by `ulimit -v` or `ulimit -d`.
    #[error("the limit on {what} (ulimit -{letter}) is {mib} MiB: raise it to 512 MiB")]
    Memory {
        /// Name of the limited resource.
        what: &'static str,
        /// Letter of the `ulimit` option.
        letter: char,
        mib: u64,
    },
    /// Too few open files, by `ulimit -n`.
    #[error("the limit on open files (ulimit -n) is {files}: raise it to at least {MIN_FILES}")]
    Files { files: u64 },
    /// Too few threads, by `ulimit -u`, the limit of a container, or missing memory.
    #[error(
        "cannot start {count} threads ({source}): raise the limit on processes (ulimit -u, or pids of the container)"
    )]
    Threads {
        /// Number of threads that a run needs.
        count: usize,
        source: io::Error,
    },
}

/// Number of threads that flatten, unless `--threads` gives one.
pub fn flattening_threads() -> NonZeroUsize {
    NonZeroUsize::new(cores().min(MAX_FLATTENING)).unwrap_or(NonZeroUsize::MIN)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Creates the runtime of a command, with all its threads.
///
/// # Errors
/// If there are too few threads or too little memory. Later, the runtime would panic or wait forever instead.
pub fn runtime() -> Result<Runtime, LimitError> {
    check_memory()?;
    let files = raise_to(MIN_FILES);
    if files < MIN_FILES {
        return Err(LimitError::Files { files });
    }
    let workers = cores();
    // One thread that flattens is among those for blocking work.
    let count = workers + BLOCKING_THREADS + OWN_THREADS + flattening_threads().get() - 1;
    let too_few = |source| LimitError::Threads { count, source };
    try_threads(count).map_err(too_few)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(KEEP_ALIVE)
        .enable_all()
        .build()
        .map_err(too_few)?;
    start_blocking_threads(&runtime).map_err(too_few)?;
    Ok(runtime)
}

/// Starts all threads for blocking work. A failure to start one later would be a panic or an endless wait.
fn start_blocking_threads(runtime: &Runtime) -> io::Result<()> {
    let (arrived, arrivals) = mpsc::channel();
    let mut waiting = Vec::with_capacity(BLOCKING_THREADS);
    for _ in 0..BLOCKING_THREADS {
        let (sender, receiver) = mpsc::channel::<()>();
        let arrived = arrived.clone();
        runtime.spawn_blocking(move || arrived.send(()).is_ok() && receiver.recv().is_ok());
        waiting.push(sender);
    }
    for _ in 0..BLOCKING_THREADS {
        arrivals.recv_timeout(START_TIMEOUT).map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))?;
    }
    drop(waiting);
    Ok(())
}

/// Checks the memory limits, for a command without a runtime.
///
/// # Errors
/// If a memory limit is too low.
pub fn check_memory() -> Result<(), LimitError> {
    for (resource, what, letter) in
        [(Resource::As, "address space", 'v'), (Resource::Data, "memory for data", 'd')]
    {
        match getrlimit(resource).current {
            Some(limit) if limit < MIN_MEMORY => {
                return Err(LimitError::Memory { what, letter, mib: limit >> 20 });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Tests if this number of threads can run at once. They end when all are running.
fn try_threads(count: usize) -> io::Result<()> {
    let mut waiting = Vec::with_capacity(count);
    for _ in 0..count {
        let (sender, receiver) = mpsc::channel::<()>();
        let thread = thread::Builder::new().spawn(move || receiver.recv().is_ok())?;
        waiting.push((sender, thread));
    }
    for (sender, thread) in waiting {
        drop(sender);
        drop(thread.join());
    }
    Ok(())
}

/// Raises the limit on open files to the needs of the connection. If the system does not allow that, it
/// lowers the concurrency and reports an event.
pub fn fit(connection: &mut Connection, simulator: Simulator, observer: &dyn Observer) {
    let per_request = match simulator {
        Simulator::Elsewhere => FILES_PER_REQUEST,
        Simulator::Built => FILES_PER_REQUEST * 2,
    };
    let wanted = u64::from(connection.concurrency.get());
    let files = raise_to(OWN_FILES + wanted * per_request);
    let possible = (files.saturating_sub(OWN_FILES) / per_request).max(1);
    if possible < wanted {
        let concurrency = u32::try_from(possible).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        connection.concurrency = concurrency;
        let reason = format!(
            "the limit on open files (ulimit -n) is {files}, --concurrency is lowered to {concurrency}"
        );
        observer.event(Event::Shortage { reason });
    }
}

/// Process that serves the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    /// This process, with `--simulated`.
    Built,
    /// Another server.
    Elsewhere,
}

impl Simulator {
    /// Returns the choice of `--simulated`, by the address of the built-in API.
    pub fn of(url: Option<&str>) -> Self {
        if url.is_some() { Self::Built } else { Self::Elsewhere }
    }
}

/// Raises the soft limit on open files, at most to the hard limit. Returns the new limit.
fn raise_to(files: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < files) else { return files };
    let allowed = limit.maximum.map_or(files, |maximum| maximum.min(files));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum: limit.maximum }) {
        Ok(()) => allowed,
        Err(_) => current,
    }
}
