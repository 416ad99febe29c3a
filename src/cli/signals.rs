//! SIGINT, SIGTERM and the end of `--max-duration`: the first ends the run in good order, a second signal, or a disk that
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
        let mut streams = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        // With a handler, a write beyond `ulimit -f` is refused instead of deadly, and told like a full disk.
        let too_large = signal(SignalKind::from_raw(SIGXFSZ))?;
        let (sender, first) = oneshot::channel();
        let has_begun = Arc::new(AtomicBool::new(false));
        let began = Arc::clone(&has_begun);
        tokio::spawn(async move {
            let _too_large = too_large;
            let mut why = tokio::select! {
                signal = next(&mut streams) => Interruption::Signal(signal),
                () = over(time) => Interruption::TimeIsUp,
            };
            if began.load(Ordering::Acquire) {
                // Nobody hears it while files are published, which may well be over soon.
                let _unheard = sender.send(why);
                tokio::select! {
                    second = next(&mut streams) => why = Interruption::Signal(second),
                    () = sleep(GRACE) => {}
                }
            }
            let exit = farewell(why).await;
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

async fn next((interrupt, terminate): &mut (Stream, Stream)) -> Signal {
    tokio::select! {
        _ = interrupt.recv() => Signal::Interrupt,
        _ = terminate.recv() => Signal::Terminate,
    }
}

async fn over(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}
