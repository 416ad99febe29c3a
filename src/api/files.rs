//! Running out of open files on this machine, which is no failure of the service.

use std::error::Error;
use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::Instant;

use super::client::Client;
use super::fault::Fault;
use super::stop::Stop;
use super::tls::causes;
use crate::event::Event;

/// Number of times a request may find no free file handle before the run ends: a quarter of a minute.
const MAX_SHORTAGES: u32 = 30;
/// The pause between them, on average.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(500);

impl Client {
    /// Lowers the concurrency, since no file or connection can be opened, and waits a moment. `shortages` counts the times
    /// for one request.
    pub(super) async fn send_fewer(&self, shortages: &mut u32, since: Instant) -> Result<(), Stop> {
        *shortages += 1;
        if *shortages > MAX_SHORTAGES {
            return Err(Stop::NoFiles);
        }
        self.governor.overloaded(since);
        if !self.is_short_of_files.swap(true, Ordering::Relaxed) {
            let reason = Fault::NoFiles.describe();
            self.observer.event(Event::Shortage { reason });
        }
        tokio::time::sleep(SHORTAGE_PAUSE.mul_f64(0.5 + fastrand::f64())).await;
        Ok(())
    }
}

/// True if an error comes from a limit on open files. A failed name look-up does not show it; with `is_connect`, opening a file is tried.
pub fn are_used_up(error: &(dyn Error + 'static), is_connect: bool) -> bool {
    let is_said = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_limit);
    is_said || (is_connect && File::open("/dev/null").is_err_and(|error| is_limit(&error)))
}

fn is_limit(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).contains(&code))
}
