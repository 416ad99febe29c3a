//! Shows the progress of a command: a bar on a terminal, otherwise a line or an event at regular intervals.
//!
//! [`Meter`] counts the events. A thread reads it at each interval, so that progress also appears while nothing
//! happens, as in an outage.

mod bar;
mod meter;
mod rates;
mod terminal;
mod text;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::args::{LogFormat, ProgressWhen};
use crate::event::Event;
use bar::Bar;
use meter::Meter;
pub use text::sentence;

/// Time between two drawings of the bar.
const BAR_INTERVAL: Duration = Duration::from_millis(250);
/// Time for which the bar shows that the API limits the request rate.
const BAR_MEMORY: Duration = Duration::from_secs(2);

/// Counts contacts, messages and requests, and shows them.
pub struct Progress {
    shared: Option<Arc<Shared>>,
    /// The thread ends when this is dropped.
    _stop: Option<Sender<()>>,
}

struct Shared {
    meter: Mutex<Meter>,
    bar: Option<Bar>,
    lines: Option<Lines>,
    is_finished: AtomicBool,
}

/// Progress as events in the log.
struct Lines {
    every: Duration,
    print: Box<dyn Fn(&Event) + Send + Sync>,
}

impl Progress {
    /// Returns the progress for these options. `print` writes an event to the log, at intervals of `every`.
    pub fn new(
        when: ProgressWhen,
        format: LogFormat,
        every: Duration,
        print: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Self {
        let (has_bar, has_lines) = forms(when, format, terminal::is_capable());
        if !has_bar && !has_lines {
            return Self::none();
        }
        let shared = Arc::new(Shared {
            meter: Mutex::default(),
            bar: has_bar.then(Bar::new),
            lines: has_lines.then(|| Lines { every, print: Box::new(print) }),
            is_finished: AtomicBool::new(false),
        });
        let (stop, stopped) = channel();
        let ticking = Arc::clone(&shared);
        // Without a thread there is no progress, but the command works.
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(move || ticking.run(&stopped));
        Self { shared: Some(shared), _stop: thread.is_ok().then_some(stop) }
    }

    /// Returns a progress that shows nothing.
    pub fn none() -> Self {
        Self { shared: None, _stop: None }
    }

    /// Updates the counts by an event.
    pub fn event(&self, event: &Event) {
        if let Some(shared) = &self.shared {
            shared.meter().event(event, Instant::now());
        }
    }

    /// Counts a request.
    pub fn request_sent(&self) {
        if let Some(shared) = &self.shared {
            shared.meter().request_sent();
        }
    }

    /// Calls `write` so that its lines appear above the bar.
    pub fn above(&self, write: impl FnOnce()) {
        match self.shared.as_ref().and_then(|shared| shared.bar.as_ref()) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Removes the bar. No line of progress follows.
    pub fn finish(&self) {
        if let Some(shared) = &self.shared {
            shared.is_finished.store(true, Ordering::Release);
            if let Some(bar) = &shared.bar {
                bar.finish();
            }
        }
    }
}

/// Returns the forms of the progress: bar, lines. A JSON log gets events in any case.
fn forms(when: ProgressWhen, format: LogFormat, is_capable: bool) -> (bool, bool) {
    match (when, format) {
        (ProgressWhen::Never, _) => (false, false),
        (ProgressWhen::Auto, LogFormat::Json) => (false, true),
        // A bar in a file would not be JSON.
        (ProgressWhen::Always, LogFormat::Json) => (is_capable, true),
        (ProgressWhen::Always, LogFormat::Text) => (true, false),
        (ProgressWhen::Auto, LogFormat::Text) => (is_capable, !is_capable),
    }
}

impl Shared {
    fn meter(&self) -> MutexGuard<'_, Meter> {
        // No code panics while holding the lock. Even a poisoned lock holds valid numbers.
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the progress until the sender of `stopped` is dropped.
    fn run(&self, stopped: &Receiver<()>) {
        let began = Instant::now();
        let mut line_due = self.lines.as_ref().map(|lines| began + lines.every);
        loop {
            let now = Instant::now();
            let until_line = line_due.map(|due| due.saturating_duration_since(now));
            let until_bar = self.bar.as_ref().map(|_| BAR_INTERVAL);
            let Some(wait) = until_line.into_iter().chain(until_bar).min() else { return };
            if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
                || self.is_finished.load(Ordering::Acquire)
            {
                return;
            }
            let now = Instant::now();
            if let (Some(lines), Some(due)) = (&self.lines, line_due)
                && due <= now
            {
                self.print(lines, now);
                line_due = Some(now + lines.every);
            }
            if let Some(bar) = &self.bar
                && let Some(progress) = self.meter().progress(now, BAR_MEMORY)
            {
                bar.draw(&progress);
            }
        }
    }

    fn print(&self, lines: &Lines, now: Instant) {
        let Some(progress) = self.meter().progress(now, lines.every) else { return };
        let print = || {
            // The lock orders this line and the last line of the command: none follows that one.
            let _stderr = io::stderr().lock();
            if !self.is_finished.load(Ordering::Acquire) {
                (lines.print)(&Event::Progress(progress));
            }
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_needs_a_terminal_or_the_wish_for_one() {
        let forms = |when, is_capable| {
            [LogFormat::Text, LogFormat::Json].map(|format| forms(when, format, is_capable))
        };
        let (bar, lines, both, none) = ((true, false), (false, true), (true, true), (false, false));
        assert_eq!(forms(ProgressWhen::Auto, true), [bar, lines]);
        assert_eq!(forms(ProgressWhen::Auto, false), [lines, lines]);
        assert_eq!(forms(ProgressWhen::Always, true), [bar, both]);
        assert_eq!(forms(ProgressWhen::Always, false), [bar, lines]);
        assert_eq!(forms(ProgressWhen::Never, true), [none, none]);
    }
}
