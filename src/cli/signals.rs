//! Handles SIGINT, SIGTERM, SIGHUP and the end of `--max-duration`.
//!
//! The first of them ends the run gracefully. A second signal ends it at once, and so does the end of the
//! grace period, for example if a disk hangs. Nothing is lost then, because a run may be killed at any time.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::exit::Exit;
use crate::api::password_command;
use crate::export::{Interruption, Signal};

/// Maximum time for a graceful end. Docker and others kill a process ten seconds after the signal.
const GRACE_PERIOD: Duration = Duration::from_secs(8);

/// Number of the signal for a write beyond `ulimit -f`. It is the same on Linux and the BSDs.
const SIGXFSZ: i32 = 25;

/// Signal handler, active from its creation.
pub struct Signals {
    first: oneshot::Receiver<Interruption>,
    has_begun: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers and starts the clock of `--max-duration`.
    ///
    /// Before the call of [`Self::first`], a signal ends the process at once. Later it does so only if the
    /// run does not end in time. In both cases `farewell` runs first. It must return the exit code within a
    /// second or two.
    ///
    /// # Errors
    /// If a handler cannot be installed.
    pub fn listen<F>(
        time: Option<Duration>,
        farewell: impl FnOnce(Interruption) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = Exit> + Send,
    {
        let mut streams = Streams::open()?;
        // With a handler, a write beyond `ulimit -f` fails like one to a full disk. Without one it kills the
        // process.
        let too_large = signal(SignalKind::from_raw(SIGXFSZ))?;
        let (sender, first) = oneshot::channel();
        let has_begun = Arc::new(AtomicBool::new(false));
        let began = Arc::clone(&has_begun);
        tokio::spawn(async move {
            let _too_large = too_large;
            let mut why = tokio::select! {
                signal = streams.next() => Interruption::Signal(signal),
                () = over(time) => Interruption::TimeIsUp,
            };
            if began.load(Ordering::Acquire) {
                // A run that publishes files does not receive this: it usually ends soon.
                let _unreceived = sender.send(why);
                tokio::select! {
                    second = streams.next() => why = Interruption::Signal(second),
                    () = sleep(GRACE_PERIOD) => {}
                }
            }
            let exit = farewell(why).await;
            password_command::end();
            #[expect(clippy::disallowed_methods, reason = "a second signal, or the end of the grace period")]
            std::process::exit(i32::from(exit.code()));
        });
        Ok(Self { first, has_begun })
    }

    /// Waits for the first reason to end. The caller must then end the run gracefully.
    pub fn first(self) -> impl Future<Output = Interruption> {
        self.has_begun.store(true, Ordering::Release);
        async {
            match self.first.await {
                Ok(why) => why,
                Err(_) => std::future::pending().await,
            }
        }
    }
}

/// Streams of the signals that end a run.
struct Streams {
    interrupt: Stream,
    terminate: Stream,
    /// None under `nohup`, which ignores SIGHUP.
    hang_up: Option<Stream>,
}

impl Streams {
    fn open() -> io::Result<Self> {
        let hang_up = if may_handle_hang_up() { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    async fn next(&mut self) -> Signal {
        let hang_up = async {
            match &mut self.hang_up {
                Some(stream) => stream.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = hang_up => Signal::HangUp,
        }
    }
}

/// True if `/proc` shows that SIGHUP is not ignored. Otherwise the signal keeps its action, which by default
/// ends the process.
fn may_handle_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, the lowest bit.
    ignored.is_some_and(|mask| mask & 1 == 0)
}

async fn over(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}
