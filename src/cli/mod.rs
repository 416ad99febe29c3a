//! The command line: the only place that knows a terminal, environment variables and exit codes.
//!
//! What was typed ([`args`], with defaults from [`config`]) becomes settings once ([`settings`]); each command then runs
//! in a file of its own.
//!
//! Layer 5.

mod args;
mod config;
mod console;
mod exit;
mod log;
pub mod panics;
mod progress;
mod run;
mod schema;
mod settings;
mod signals;
mod simulate;
mod summary;
mod verify;

use clap::error::{ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command};
pub use exit::Exit;

/// Runs the command of this process's arguments.
pub fn main() -> Exit {
    panics::install();
    std::panic::catch_unwind(command).unwrap_or(Exit::Bug)
}

fn command() -> Exit {
    let arguments: Vec<_> = std::env::args_os().collect();
    let matches = match config::parse(Cli::command(), &arguments) {
        Ok(matches) => matches,
        Err(error) => return error.report(),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return report_usage(error),
    };
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Simulate(args) => simulate::simulate(*args),
    }
}

/// Shows what clap has to say: help to stdout, errors to stderr.
fn report_usage(mut error: clap::Error) -> Exit {
    escape_typed(&mut error);
    // A closed stdout or stderr changes nothing about the outcome.
    drop(error.print());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Complete,
        _ => Exit::Usage,
    }
}

/// Writes out, in what was typed, characters that a terminal would obey.
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
