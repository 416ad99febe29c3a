//! The list as text, and on stdout.

use std::fmt::Write as _;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use super::form;
use crate::cli::args::ListFormatName;
use crate::cli::console;
use crate::record::listing::ListedContact;

/// Returns the content of the file.
pub fn text(form: ListFormatName, contacts: &[ListedContact]) -> String {
    let mut text = String::new();
    let lines = contacts.iter().map(|contact| form::line(form, contact));
    for line in form::header(form).map(str::to_owned).into_iter().chain(lines) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Writes to stdout. For a terminal, control characters are escaped. A closed pipe is not a failure.
pub fn to_stdout(form: ListFormatName, contacts: &[ListedContact]) -> io::Result<()> {
    let stdout = io::stdout().lock();
    let is_terminal = stdout.is_terminal();
    let mut out = BufWriter::new(stdout);
    let lines = contacts.iter().map(|contact| form::line(form, contact));
    let lines = form::header(form).map(str::to_owned).into_iter().chain(lines);
    let shown = |line: String| match form {
        _ if !is_terminal => line,
        ListFormatName::Csv => console::escape(&line),
        ListFormatName::Jsonl => console::escape_json(&line),
    };
    let mut written = lines.map(shown);
    let ended = written.try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match ended {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}
