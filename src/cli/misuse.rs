//! A command line that is none, told in one line; and to those who watch a nightly run, which it may well be.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextValue, ErrorKind};

use super::args::Cli;
use super::config::ConfigError;
use super::console;
use super::exit::Exit;
use super::glimpse::Glimpse;
use super::log;
use super::schema;
use super::watch::{Ending, Targets, Watch};

/// Shows the help that was asked for, or what is wrong; gives the exit code.
pub fn report(error: ConfigError, arguments: &[OsString]) -> Exit {
    match error {
        ConfigError::Usage(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => show(&error, Exit::Complete),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => show(&error, Exit::Usage),
            _ => {
                let glimpse = Glimpse::of(arguments);
                tell(&one_line(error, glimpse.command.as_deref()), glimpse, arguments)
            }
        },
        error => tell(&format!("error: {}", console::chain(&error)), Glimpse::of(arguments), arguments),
    }
}

fn show(help: &clap::Error, exit: Exit) -> Exit {
    // A closed stdout or stderr changes nothing about the outcome.
    drop(help.print());
    exit
}

fn tell(sentence: &str, glimpse: Glimpse, arguments: &[OsString]) -> Exit {
    if glimpse.command.as_deref() == Some("schema") {
        let message = sentence.strip_prefix("error: ").unwrap_or(sentence);
        schema::fail_session(schema::dialect_in(arguments), message);
    }
    let metrics_file = glimpse.metrics_file.filter(|path| super::place::export_around(path, None).is_none());
    let targets = Targets { metrics_file, ping: glimpse.ping };
    let console = log::Console::silent(glimpse.format);
    let sentence = Some(sentence.to_owned());
    let ending = Ending { exit: Exit::Usage, sentence, command: None, manifest: None };
    let watch = Watch::new(console, targets);
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(watch.end(ending)),
        Err(_) => watch.end_without_runtime(ending),
    }
}

/// What clap says, without the usage, which `--help` tells better.
fn one_line(mut error: clap::Error, command: Option<&str>) -> String {
    escape_typed(&mut error);
    let text = error.render().to_string();
    let paragraphs = text.split("\n\n").map(str::trim);
    let told = paragraphs.filter(|text| {
        !text.is_empty() && !text.starts_with("Usage:") && !text.starts_with("For more information")
    });
    let mut line = String::new();
    for paragraph in told {
        for (at, part) in paragraph.lines().map(str::trim).enumerate() {
            line.push_str(match at {
                _ if line.is_empty() => "",
                0 => "; ",
                _ if line.ends_with(':') || part.starts_with('[') => " ",
                _ => ", ",
            });
            line.push_str(part);
        }
    }
    let known = command.filter(|name| Cli::command().find_subcommand(name).is_some());
    let help = known
        .map_or_else(|| "chatzy-export --help".to_owned(), |name| format!("chatzy-export {name} --help"));
    format!("{line}; see: {help}")
}

/// Writes out, in what was typed, characters that a terminal would obey, line ends too.
fn escape_typed(error: &mut clap::Error) {
    let escaped: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(console::escape(text)))),
            _ => None,
        })
        .collect();
    for (kind, value) in escaped {
        error.insert(kind, value);
    }
}
