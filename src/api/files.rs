//! Handles a shortage of open files on this machine, which is no failure of the service.

use std::error::Error;
use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::Instant;

use super::client::Client;
use super::fatal::Fatal;
use super::fault::Fault;
use crate::event::Event;
use crate::tls::causes;

/// Maximum number of times that a request finds no free file handle before the run ends: a quarter of a
/// minute.
const MAX_SHORTAGES: u32 = 30;
/// Average pause between them.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(500);

impl Client {
    /// Lowers the concurrency after a shortage, and waits a moment. `shortages` counts the shortages of one
    /// request.
    pub(super) async fn send_fewer(&self, shortages: &mut u32, since: Instant) -> Result<(), Fatal> {
        *shortages += 1;
        if *shortages > MAX_SHORTAGES {
            return Err(Fatal::NoFiles);
        }
        self.limiter.overloaded(since);
        if !self.is_short_of_files.swap(true, Ordering::Relaxed) {
            let reason = Fault::NoFiles.describe();
            self.observer.event(Event::Shortage { reason });
        }
        tokio::time::sleep(SHORTAGE_PAUSE.mul_f64(0.5 + fastrand::f64())).await;
        Ok(())
    }
}

/// True if a limit on open files caused the error. A failed name lookup does not show that, so with
/// `is_connect` the function tries to open a file.
pub fn are_used_up(error: &(dyn Error + 'static), is_connect: bool) -> bool {
    let is_said = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_limit);
    is_said || (is_connect && File::open("/dev/null").is_err_and(|error| is_limit(&error)))
}

fn is_limit(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).contains(&code))
}
