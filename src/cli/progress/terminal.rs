//! The terminal on stderr, or a file that gets a bar all the same.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;
use rustix::termios::tcgetwinsize;

/// Width where none is known.
const DEFAULT_WIDTH: u16 = 80;

/// True if stderr is a terminal that can move its cursor.
pub fn is_capable() -> bool {
    let name = std::env::var_os("TERM").unwrap_or_default();
    io::stderr().is_terminal() && !name.is_empty() && name != "dumb"
}

/// Returns the present width: that of the terminal, otherwise that of the variable `COLUMNS`.
pub fn width() -> u16 {
    let of_terminal = tcgetwinsize(io::stderr()).ok().map(|size| size.ws_col);
    let of_variable = || std::env::var("COLUMNS").ok()?.parse().ok();
    of_terminal.filter(|width| *width > 0).or_else(of_variable).unwrap_or(DEFAULT_WIDTH)
}

/// Draws on stderr, each time in one write.
#[derive(Debug, Default)]
pub struct Terminal {
    waiting: Mutex<String>,
}

impl Terminal {
    fn move_cursor(&self, by: usize, direction: char) -> io::Result<()> {
        if by == 0 { Ok(()) } else { self.write_str(&format!("\x1b[{by}{direction}")) }
    }

    fn waiting(&self) -> MutexGuard<'_, String> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        width()
    }

    fn move_cursor_up(&self, by: usize) -> io::Result<()> {
        self.move_cursor(by, 'A')
    }

    fn move_cursor_down(&self, by: usize) -> io::Result<()> {
        self.move_cursor(by, 'B')
    }

    fn move_cursor_right(&self, by: usize) -> io::Result<()> {
        self.move_cursor(by, 'C')
    }

    fn move_cursor_left(&self, by: usize) -> io::Result<()> {
        self.move_cursor(by, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // The library fills the line with blanks. A terminal that becomes narrower would wrap them.
        let is_filling = text.starts_with(' ') && text.trim_start_matches(' ').is_empty();
        self.waiting().push_str(if is_filling { "\x1b[K" } else { text });
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *self.waiting());
        let mut stderr = io::stderr().lock();
        stderr.write_all(text.as_bytes())?;
        stderr.flush()
    }
}
