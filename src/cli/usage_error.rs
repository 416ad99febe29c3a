//! Reports an invalid command line in one line of the log.
//!
//! The command may be a nightly run, so the metrics file and the monitor get the failure too.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextValue, ErrorKind};

use super::args::Cli;
use super::config::ConfigError;
use super::console;
use super::exit::Exit;
use super::log;
use super::partial_args::PartialArgs;
use super::run_monitor::{RunMonitor, RunOutcome, Targets};
use super::schema;

/// Prints the requested help, or reports the mistake. Returns the exit code.
pub fn report(error: ConfigError, arguments: &[OsString]) -> Exit {
    match error {
        ConfigError::Usage(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => print_help(&error, Exit::Complete),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => print_help(&error, Exit::Usage),
            _ => {
                let partial = PartialArgs::find(arguments);
                report_mistake(&one_line(error, partial.command.as_deref()), partial, arguments)
            }
        },
        error => {
            let sentence = format!("error: {}", console::chain(&error));
            report_mistake(&sentence, PartialArgs::find(arguments), arguments)
        }
    }
}

fn print_help(help: &clap::Error, exit: Exit) -> Exit {
    // A closed stdout or stderr does not change the exit code.
    drop(help.print());
    exit
}

fn report_mistake(sentence: &str, partial: PartialArgs, arguments: &[OsString]) -> Exit {
    if partial.command.as_deref() == Some("schema")
        && let Some(reader) = schema::Reader::in_arguments(arguments)
    {
        reader.fail(sentence.strip_prefix("error: ").unwrap_or(sentence));
    }
    let metrics_file =
        partial.metrics_file.filter(|path| super::output_paths::export_around(path, None).is_none());
    let targets = Targets { metrics_file, ping: partial.ping };
    let console = log::Console::silent(partial.format);
    let sentence = Some(sentence.to_owned());
    let outcome = RunOutcome { exit: Exit::Usage, sentence, command: None, manifest: None };
    let monitor = RunMonitor::new(console, targets);
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(monitor.end(outcome)),
        Err(_) => monitor.end_without_runtime(outcome),
    }
}

/// Returns clap's message in one line, with a reference to `--help` instead of the usage.
fn one_line(mut error: clap::Error, command: Option<&str>) -> String {
    escape_arguments(&mut error);
    let text = error.render().to_string();
    let paragraphs = text.split("\n\n").map(str::trim);
    let relevant = paragraphs.filter(|text| {
        !text.is_empty() && !text.starts_with("Usage:") && !text.starts_with("For more information")
    });
    let mut line = String::new();
    for paragraph in relevant {
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

/// Masks the parts of a URL that may be secrets: what precedes an `@`, and the query.
fn without_secrets(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, query) = rest.split_once(['?', '#']).map_or((rest, ""), |(rest, _)| (rest, "?***"));
    match rest.rfind('@') {
        Some(at) => format!("{scheme}://***{}{query}", rest.split_at(at).1),
        None => format!("{scheme}://{rest}{query}"),
    }
}

/// Escapes control characters and line ends in the arguments that the error quotes, and masks secrets of URLs.
fn escape_arguments(error: &mut clap::Error) {
    let escaped: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => {
                Some((kind, ContextValue::String(console::escape(&without_secrets(text)))))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in escaped {
        error.insert(kind, value);
    }
}
