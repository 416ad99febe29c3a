//! The bar: one line that fits the terminal, whose width may change at any time.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::terminal::{self, Terminal};
use super::text;
use crate::event::{Phase, Progress};

/// Width of the bar itself.
const BAR_WIDTH: usize = 20;
/// Minimum width of a terminal for the bar. A narrower one shows text only.
const MIN_BAR_TERMINAL: usize = 60;

/// Minimum room for words beside the counts.
const MIN_WORDS: usize = 36;

/// A bar at the end of the log.
pub struct Bar {
    bar: ProgressBar,
    /// The text beside the bar.
    text: Arc<Mutex<String>>,
}

impl Bar {
    /// Creates a bar. It appears when it is drawn.
    pub fn new() -> Self {
        // No limit on the rate: only one thread draws, at intervals.
        let bar =
            ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(Box::new(Terminal::default())));
        Self { bar, text: Arc::default() }
    }

    /// Draws the bar.
    pub fn draw(&self, progress: &Progress) {
        let width = usize::from(terminal::width());
        let has_bar = progress.contacts.is_some() && width >= MIN_BAR_TERMINAL;
        // The last column stays free. Some terminals wrap after it.
        let room = width.saturating_sub(1 + if has_bar { BAR_WIDTH + 1 } else { 0 });
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = fitting(progress, room);
        self.bar.set_style(self.style(has_bar));
        self.bar.update(|state| {
            if let Some(contacts) = progress.contacts {
                state.set_len(contacts);
            }
            state.set_pos(progress.contacts_done);
        });
    }

    fn style(&self, has_bar: bool) -> ProgressStyle {
        let template = if has_bar { format!("{{bar:{BAR_WIDTH}}} {{text}}") } else { "{text}".to_owned() };
        let text = Arc::clone(&self.text);
        let write = move |_: &ProgressState, target: &mut dyn Write| {
            // Writing to a string cannot fail.
            let _ = target.write_str(&text.lock().unwrap_or_else(PoisonError::into_inner));
        };
        ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("text", write)
    }

    /// Removes the bar, calls `write`, and draws the bar again.
    pub fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Removes the bar for good.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Returns the phase with as many facts as fit, the most important first.
fn fitting(progress: &Progress, room: usize) -> String {
    let mut shown = text::name(progress.phase).to_owned();
    if let (Some(of), Phase::Reading | Phase::Building) = (progress.contacts, progress.phase)
        && room < MIN_WORDS
    {
        // Without words, the counts fit where nothing else does.
        shown = format!("{}/{}", HumanCount(progress.contacts_done), HumanCount(of));
        return shown.chars().take(room).collect();
    }
    for (at, fact) in text::facts(progress).iter().enumerate() {
        let separator = if at == 0 { " " } else { ", " };
        if shown.len() + separator.len() + fact.len() > room {
            break;
        }
        shown.push_str(separator);
        shown.push_str(fact);
    }
    shown.chars().take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::example;
    use super::*;

    #[test]
    fn a_narrow_terminal_shows_the_most_important_facts() {
        let shown: Vec<_> = [200, 80, 50, 30, 10, 3].map(|room| fitting(&example(), room)).into();
        insta::assert_snapshot!(shown.join("\n"), @r"
        reading 1,234 of 10,000 contacts, about 12m 30s left, 2 failed, 45,678 messages, 1,204 messages/s, 8.0 requests/s
        reading 1,234 of 10,000 contacts, about 12m 30s left, 2 failed, 45,678 messages
        reading 1,234 of 10,000 contacts
        1,234/10,000
        1,234/10,0
        1,2
        ");
    }
}
