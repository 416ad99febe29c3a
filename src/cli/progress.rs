//! Progress: a bar on a terminal, a line every ten seconds elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{LogFormat, ProgressWhen};
use super::console;
use crate::event::Event;

/// Time between two lines where there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(10);

enum Look {
    None,
    Bar(ProgressBar),
    Lines { last: Mutex<Instant> },
}

/// Shows how far the run is.
pub struct Progress {
    look: Look,
    total: AtomicU64,
    contacts: AtomicU64,
    messages: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// As asked for. A log in JSON is for machines: no lines between, unless bars are forced.
    pub fn new(when: ProgressWhen, format: LogFormat) -> Self {
        let look = match (when, format) {
            (ProgressWhen::Never, _) => Look::None,
            (ProgressWhen::Always, _) => Look::Bar(bar()),
            (ProgressWhen::Auto, LogFormat::Json) => Look::None,
            (ProgressWhen::Auto, LogFormat::Text) if stderr().is_terminal() => Look::Bar(bar()),
            (ProgressWhen::Auto, LogFormat::Text) => Look::Lines { last: Mutex::new(Instant::now()) },
        };
        Self::of(look)
    }

    /// Nothing at all.
    pub fn none() -> Self {
        Self::of(Look::None)
    }

    fn of(look: Look) -> Self {
        let zero = || AtomicU64::new(0);
        Self { look, total: zero(), contacts: zero(), messages: zero(), failed: zero() }
    }

    /// Counts an event.
    pub fn event(&self, event: &Event) {
        match event {
            Event::Started { contacts, already_read, .. } => {
                self.total.store(*contacts, Ordering::Relaxed);
                self.contacts.store(*already_read, Ordering::Relaxed);
                if let Look::Bar(bar) = &self.look {
                    bar.set_length(*contacts);
                    bar.set_position(*already_read);
                    bar.enable_steady_tick(Duration::from_millis(200));
                }
            }
            Event::ListingRead { so_far, .. } => self.show_listing(*so_far),
            Event::PageRead { messages, .. } => {
                self.messages.fetch_add(*messages, Ordering::Relaxed);
                self.show();
            }
            Event::ContactDone { status, .. } => {
                self.contacts.fetch_add(1, Ordering::Relaxed);
                self.failed.fetch_add(u64::from(*status == "failed"), Ordering::Relaxed);
                self.show();
            }
            _ => {}
        }
    }

    /// Writes lines above the bar.
    pub fn above(&self, write: impl FnOnce()) {
        match &self.look {
            Look::Bar(bar) => bar.suspend(write),
            Look::None | Look::Lines { .. } => write(),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Look::Bar(bar) = &self.look {
            bar.finish_and_clear();
        }
    }

    fn show(&self) {
        match &self.look {
            Look::None => {}
            Look::Bar(bar) => {
                bar.set_position(self.contacts.load(Ordering::Relaxed));
                bar.set_message(self.counts());
            }
            Look::Lines { last } => {
                tell_at_times(last, || {
                    let contacts = HumanCount(self.contacts.load(Ordering::Relaxed));
                    let total = HumanCount(self.total.load(Ordering::Relaxed));
                    format!("{contacts} of {total} contacts, {}", self.counts())
                });
            }
        }
    }

    fn show_listing(&self, so_far: u64) {
        let listed = format!("{} contacts listed", HumanCount(so_far));
        match &self.look {
            Look::None => {}
            Look::Bar(bar) => bar.set_message(listed),
            Look::Lines { last } => tell_at_times(last, || listed),
        }
    }

    fn counts(&self) -> String {
        let messages = HumanCount(self.messages.load(Ordering::Relaxed));
        match self.failed.load(Ordering::Relaxed) {
            0 => format!("{messages} messages"),
            failed => format!("{messages} messages, {failed} contacts failed"),
        }
    }
}

/// Writes a line if the last one is long enough ago.
fn tell_at_times(last: &Mutex<Instant>, line: impl FnOnce() -> String) {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if last.elapsed() >= LINE_EVERY {
        *last = Instant::now();
        console::tell(&line());
    }
}

fn bar() -> ProgressBar {
    let style = "{bar:30} {human_pos}/{human_len} contacts  {msg}  {elapsed_precise}";
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}
