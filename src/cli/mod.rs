//! The command line: the only place that knows a terminal, environment variables and exit codes.
//!
//! What was typed ([`args`], with defaults from [`config`]) becomes settings once ([`settings`]); each command then runs
//! in a file of its own.
//!
//! Layer 5.

mod advice;
mod args;
mod built_in;
mod check;
mod completions;
mod config;
mod console;
mod contacts;
mod exit;
mod glimpse;
mod invocation;
mod limits;
mod log;
mod man;
mod misuse;
pub mod panics;
mod place;
mod progress;
mod prune;
mod query;
mod rebuild;
#[cfg(all(test, feature = "simulator"))]
mod reference;
mod report;
mod run;
mod schema;
mod settings;
mod signals;
#[cfg(feature = "simulator")]
mod simulate;
mod summary;
mod verify;
mod watch;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command};
pub use exit::Exit;

/// Runs the command of this process's arguments.
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
        Err(error) => return misuse::report(error, &arguments),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return misuse::report(error.into(), &arguments),
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
