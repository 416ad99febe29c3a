//! Limits of the system on this process: open files, threads, address space. Limits that are too low are reported at the start.

use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

use crate::event::{Event, Observer};
use crate::settings::Connection;

/// Open files that a run needs beside its connections: segments of the spool, files of tables, pipes, libraries.
const OWN_FILES: u64 = 128;
/// Files that a request may need: a kept connection, and the next one that is opened meanwhile.
const FILES_PER_REQUEST: u64 = 2;
/// Open files with which a run of one request at once works.
const LEAST_FILES: u64 = 48;
/// Threads beside the runtime's own: spool, build, five tables, raw archive, pages read ahead, name look-ups, and four of the
/// allocator.
const OWN_THREADS: usize = 16;
/// Threads for blocking work: build, the end of the spool, name look-ups, the metrics file, and what would hold up other tasks.
const BLOCKING_THREADS: usize = 8;
/// Time in which they start, on the busiest machine.
const START: Duration = Duration::from_secs(10);
/// Time after which an idle one of them ends: longer than any run.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);
/// The least address space in which a command can begin. With less it would die later without an error message, or take a file that
/// it has no memory to read for a damaged one.
const LEAST_SPACE: u64 = 256 << 20;

/// A limit that is too low to begin.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// `ulimit -v` or `ulimit -d`.
    #[error("the limit on {what} (ulimit -{letter}) is {mib} MiB: raise it to 512 MiB")]
    Space {
        /// Name of the limited resource.
        what: &'static str,
        /// Letter of the `ulimit` option.
        letter: char,
        /// The limit.
        mib: u64,
    },
    /// `ulimit -n`.
    #[error("the limit on open files (ulimit -n) is {files}: a run needs at least {LEAST_FILES}")]
    Files {
        /// The limit.
        files: u64,
    },
    /// `ulimit -u`, the limit of a container, or no memory.
    #[error(
        "cannot start {count} threads ({source}): raise the limit on processes (ulimit -u, or pids of the container)"
    )]
    Threads {
        /// Threads that a run needs.
        count: usize,
        /// Why.
        source: io::Error,
    },
}

/// The threads of a command.
///
/// # Errors
/// When the system gives too few threads or too little memory. Later this could not be reported: the runtime panics or waits
/// for ever.
pub fn runtime() -> Result<Runtime, LimitError> {
    check_space()?;
    let files = raise_to(LEAST_FILES);
    if files < LEAST_FILES {
        return Err(LimitError::Files { files });
    }
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let count = workers + OWN_THREADS;
    let refused = |source| LimitError::Threads { count, source };
    try_threads(count).map_err(refused)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(FOR_EVER)
        .enable_all()
        .build()
        .map_err(refused)?;
    start_blocking_threads(&runtime).map_err(refused)?;
    Ok(runtime)
}

/// Starts all threads for blocking work. Later none has to be started, which could fail, and would be a panic or a wait
/// without an end.
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
        arrivals.recv_timeout(START).map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))?;
    }
    drop(waiting);
    Ok(())
}

/// Memory for a command that needs no threads.
///
/// # Errors
/// When a limit on memory is too low.
pub fn check_space() -> Result<(), LimitError> {
    for (resource, what, letter) in
        [(Resource::As, "address space", 'v'), (Resource::Data, "memory for data", 'd')]
    {
        match getrlimit(resource).current {
            Some(limit) if limit < LEAST_SPACE => {
                return Err(LimitError::Space { what, letter, mib: limit >> 20 });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Starts this many threads at once. They end when all are running.
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

/// Raises the limit on open files as far as the connection needs and the system allows. Where that is too little, fewer requests
/// are sent at once, and the observer is told.
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
            "at most {files} files may be open (ulimit -n), --concurrency is lowered to {concurrency}"
        );
        observer.event(Event::Shortage { reason });
    }
}

/// Origin of the answers: this process or another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    /// This process, with `--simulated`.
    Built,
    /// Another server.
    Elsewhere,
}

impl Simulator {
    /// As `--simulated` says.
    pub fn of(url: Option<&str>) -> Self {
        if url.is_some() { Self::Built } else { Self::Elsewhere }
    }
}

/// Raises the limit on open files, at most to the hard one; gives what it is then.
fn raise_to(files: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < files) else { return files };
    let most = limit.maximum.map_or(files, |maximum| maximum.min(files));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum }) {
        Ok(()) => most,
        Err(_) => current,
    }
}
