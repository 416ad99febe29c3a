//! Shows progress: a bar on a terminal, otherwise a line every ten seconds.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{LogFormat, ProgressWhen};
use super::console;
use crate::event::Event;

/// Time between two progress lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

enum Style {
    None,
    Bar(ProgressBar),
    Lines { last: Mutex<Instant> },
}

/// Counts contacts and messages, and shows them.
pub struct Progress {
    style: Style,
    total: AtomicU64,
    contacts: AtomicU64,
    messages: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// Returns the progress for these options. A JSON log gets no progress lines, since programs read it.
    pub fn new(when: ProgressWhen, format: LogFormat) -> Self {
        let style = match (when, format) {
            (ProgressWhen::Never, _) => Style::None,
            (ProgressWhen::Always, _) => Style::Bar(bar()),
            (ProgressWhen::Auto, LogFormat::Json) => Style::None,
            (ProgressWhen::Auto, LogFormat::Text) if stderr().is_terminal() => Style::Bar(bar()),
            (ProgressWhen::Auto, LogFormat::Text) => Style::Lines { last: Mutex::new(Instant::now()) },
        };
        Self::of(style)
    }

    /// Returns a progress that shows nothing.
    pub fn none() -> Self {
        Self::of(Style::None)
    }

    fn of(style: Style) -> Self {
        let zero = || AtomicU64::new(0);
        Self { style, total: zero(), contacts: zero(), messages: zero(), failed: zero() }
    }

    /// Updates the counts by an event.
    pub fn event(&self, event: &Event) {
        match event {
            Event::Started { contacts, already_read, .. } => {
                self.total.store(*contacts, Ordering::Relaxed);
                self.contacts.store(*already_read, Ordering::Relaxed);
                if let Style::Bar(bar) = &self.style {
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

    /// Calls `write` so that its lines appear above the bar.
    pub fn above(&self, write: impl FnOnce()) {
        match &self.style {
            Style::Bar(bar) => bar.suspend(write),
            Style::None | Style::Lines { .. } => write(),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Style::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }

    fn show(&self) {
        match &self.style {
            Style::None => {}
            Style::Bar(bar) => {
                bar.set_position(self.contacts.load(Ordering::Relaxed));
                bar.set_message(self.counts());
            }
            Style::Lines { last } => {
                print_if_due(last, || {
                    let contacts = HumanCount(self.contacts.load(Ordering::Relaxed));
                    let total = HumanCount(self.total.load(Ordering::Relaxed));
                    format!("{contacts} of {total} contacts, {}", self.counts())
                });
            }
        }
    }

    fn show_listing(&self, so_far: u64) {
        let listed = format!("{} contacts listed", HumanCount(so_far));
        match &self.style {
            Style::None => {}
            Style::Bar(bar) => bar.set_message(listed),
            Style::Lines { last } => print_if_due(last, || listed),
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

/// Prints a line if [`LINE_INTERVAL`] has passed since the last one.
fn print_if_due(last: &Mutex<Instant>, line: impl FnOnce() -> String) {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if last.elapsed() >= LINE_INTERVAL {
        *last = Instant::now();
        console::eprint(&line());
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
