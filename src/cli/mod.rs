//! The command line. Only this module uses the terminal, environment variables and exit codes.
//!
//! [`args`] defines the options, and [`config`] reads their defaults from the settings file. [`settings`]
//! validates both. Each command has a file of its own.
//!
//! Layer 5.

mod args;
mod built_in;
mod check;
mod command_line;
mod completions;
mod config;
mod console;
mod contacts;
mod exit;
mod limits;
mod log;
mod man;
mod next_command;
mod output_paths;
pub mod panics;
mod partial_args;
mod progress;
mod prune;
mod query;
mod rebuild;
#[cfg(all(test, feature = "simulator"))]
mod reference;
mod report;
mod run;
mod run_monitor;
mod schema;
mod settings;
mod signals;
#[cfg(feature = "simulator")]
mod simulate;
mod summary;
mod usage_error;
mod verify;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command};
pub use exit::Exit;

/// Runs the command that the arguments of this process name.
pub fn main() -> Exit {
    panics::install();
    let exit = std::panic::catch_unwind(command).unwrap_or_else(|_| {
        let arguments: Vec<_> = std::env::args_os().collect();
        if arguments.get(1).is_some_and(|command| command == "schema") {
            schema::fail_session(schema::dialect_in(&arguments), "a bug in chatzy-export");
        }
        Exit::Bug
    });
    crate::api::password_command::end();
    exit
}

fn command() -> Exit {
    let arguments: Vec<_> = std::env::args_os().collect();
    let matches = match config::parse(Cli::command(), &arguments) {
        Ok(matches) => matches,
        Err(error) => return usage_error::report(error, &arguments),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage_error::report(error.into(), &arguments),
    };
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Contacts(args) => contacts::contacts(&args),
        Command::Check(args) => check::check(&args),
        Command::Rebuild(args) => rebuild::rebuild(&args),
        Command::Prune(args) => prune::prune(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Report(args) => report::report(&args),
        Command::Schema(args) => schema::schema(&args),
        #[cfg(feature = "simulator")]
        Command::Simulate(args) => simulate::simulate(*args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => man::man(&args),
    }
}
