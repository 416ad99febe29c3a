//! SIGINT, SIGTERM, SIGHUP and the end of `--max-duration`: the first ends the run in good order, a second signal, or a disk that
//! hangs, at once.
//!
//! Whatever a run is doing, it may be killed: so nothing is lost when the order takes too long.

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

/// How long a run may take to end in good order. Those who send signals kill after ten seconds, as Docker does.
const GRACE: Duration = Duration::from_secs(8);

/// Sent to who writes beyond the largest file allowed; the same number on Linux and the BSDs.
const SIGXFSZ: i32 = 25;

/// Listens to signals from its making on.
pub struct Signals {
    first: oneshot::Receiver<Interruption>,
    has_begun: Arc<AtomicBool>,
}

impl Signals {
    /// Starts to listen, and to count the time that the run has. Until [`Self::first`] is waited for, a signal ends the
    /// process at once, and later only if the run does not end by itself. `farewell` is what is done then, within a
    /// second or two; it gives the exit code.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub fn listen<F>(
        time: Option<Duration>,
        farewell: impl FnOnce(Interruption) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = Exit> + Send,
    {
        let mut streams = Streams::open()?;
        // With a handler, a write beyond `ulimit -f` is refused instead of deadly, and told like a full disk.
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
                // Nobody hears it while files are published, which may well be over soon.
                let _unheard = sender.send(why);
                tokio::select! {
                    second = streams.next() => why = Interruption::Signal(second),
                    () = sleep(GRACE) => {}
                }
            }
            let exit = farewell(why).await;
            password_command::end();
            #[expect(clippy::disallowed_methods, reason = "asked for twice, or waited for long enough")]
            std::process::exit(i32::from(exit.code()));
        });
        Ok(Self { first, has_begun })
    }

    /// The first reason to end. Once waited for, the run is expected to end in good order.
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

/// The signals that end a run.
struct Streams {
    interrupt: Stream,
    terminate: Stream,
    /// None under `nohup`, which wants SIGHUP to be ignored.
    hang_up: Option<Stream>,
}

impl Streams {
    fn open() -> io::Result<Self> {
        let hang_up = if may_hear_hang_up() { Some(signal(SignalKind::hangup())?) } else { None };
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

/// True if SIGHUP is not ignored. Where the system does not say so in `/proc`, it keeps its default action, which ends the process.
fn may_hear_hang_up() -> bool {
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
