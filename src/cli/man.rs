//! The command `man`: manual pages from the same texts as the help.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::{Cli, ManArgs};
use super::console::{self, eprint};
use super::exit::Exit;
use crate::durable::{self, StorageError};

/// Prints one page, or writes all pages to a folder.
pub fn man(args: &ManArgs) -> Exit {
    let Ok(pages) = pages() else { return Exit::Bug };
    if let Some(folder) = &args.out {
        return match write(&pages, folder) {
            Ok(()) => Exit::Complete,
            Err(error) => {
                eprint(&format!("error: {}", error.describe()));
                Exit::Storage
            }
        };
    }
    let name = match &args.command {
        None => "chatzy-export".to_owned(),
        Some(command) => format!("chatzy-export-{command}"),
    };
    match pages.iter().find(|page| page.name == name) {
        Some(page) if console::print(page.text.trim_end()) => Exit::Complete,
        Some(_) => Exit::Storage,
        None => {
            let command = args.command.as_deref().unwrap_or_default();
            eprint(&format!("error: unknown command {command}; see: chatzy-export --help"));
            Exit::Usage
        }
    }
}

struct Page {
    /// Name without the section, such as `chatzy-export-run`.
    name: String,
    text: String,
}

/// Returns the page of the program and those of its commands.
fn pages() -> io::Result<Vec<Page>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let commands: Vec<_> = program.get_subcommands().cloned().collect();
    std::iter::once(program).chain(commands).map(page).collect()
}

fn page(mut command: Command) -> io::Result<Page> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_commands = command.has_subcommands();
    let usage = command.render_usage().to_string();
    let source = concat!("chatzy-export ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).source(source).manual("chatzy-export");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    // clap_mangen's own synopsis lists every option.
    let synopsis = escape(usage.trim_start_matches("Usage: "));
    text.extend_from_slice(format!(".SH SYNOPSIS\n\\fB{synopsis}\\fR\n").as_bytes());
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_commands {
        man.render_subcommands_section(&mut text)?;
    }
    let mut text = String::from_utf8(text).map_err(io::Error::other)?;
    text.push_str(&sections(&after));
    if !has_commands {
        text.push_str(".SH \"SEE ALSO\"\n\\fBchatzy\\-export\\fR(1)\n");
    }
    Ok(Page { name, text: ascii(&text) })
}

/// Formats the text below the options. Examples keep their lines, since a filled command cannot be copied.
fn sections(after: &str) -> String {
    let mut roff = String::new();
    for paragraph in after.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        if let Some(examples) = paragraph.strip_prefix("Examples:\n") {
            roff.push_str(".SH EXAMPLES\n");
            unfilled(examples, &mut roff);
        } else if let Some(variables) = paragraph.strip_prefix("Environment:\n") {
            roff.push_str(".SH ENVIRONMENT\n");
            unfilled(variables, &mut roff);
        } else if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
            roff.push_str(".SH \"EXIT STATUS\"\n");
            filled(codes, &mut roff);
        } else if paragraph.lines().any(|line| line.starts_with(' ')) {
            unfilled(paragraph, &mut roff);
        } else {
            roff.push_str(".PP\n");
            filled(paragraph, &mut roff);
        }
    }
    roff
}

fn unfilled(text: &str, roff: &mut String) {
    roff.push_str(".PP\n.nf\n");
    filled(text, roff);
    roff.push_str(".fi\n");
}

fn filled(text: &str, roff: &mut String) {
    for line in text.lines() {
        let line = escape(line);
        // A dot at the start of a line would begin a request.
        let guard = if line.starts_with('.') { "\\&" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(roff, "{guard}{line}");
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}

/// Replaces other characters by their numbers, for formatters without UTF-8.
fn ascii(roff: &str) -> String {
    roff.chars().fold(String::with_capacity(roff.len()), |mut text, c| {
        if c.is_ascii() {
            text.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\[u{:04X}]", u32::from(c));
        }
        text
    })
}

fn write(pages: &[Page], folder: &Path) -> Result<(), StorageError> {
    durable::create_dir_all(folder)?;
    for page in pages {
        durable::replace_readable(&folder.join(format!("{}.1", page.name)), page.text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_stay_lines_and_prose_is_filled() {
        let after = "Examples:\n  a-b 'c' \\d\n      what it does\n\n.So it\ncontinues.\n\nExit codes: 0 complete,\n2 usage.";
        insta::assert_snapshot!(sections(after), @r#"
        .SH EXAMPLES
        .PP
        .nf
          a\-b \(aqc\(aq \ed
              what it does
        .fi
        .PP
        \&.So it
        continues.
        .SH "EXIT STATUS"
        0 complete,
        2 usage.
        "#);
    }
}
