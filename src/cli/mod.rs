//! The command line. Only this module uses the terminal, environment variables and exit codes.
//!
//! [`args`] defines the options, and [`config`] reads their defaults from the settings file. [`settings`]
//! validates both. Each command has a file of its own.
//!
//! Layer 5.

mod amounts;
mod args;
mod built_in;
mod cat;
mod check;
mod command_line;
mod commit;
mod completions;
mod config;
mod console;
mod contacts;
mod erase;
mod evidence;
mod exit;
mod hold;
mod limits;
mod log;
mod man;
mod next_command;
mod not_found;
mod output_paths;
pub mod panics;
mod partial_args;
mod progress;
mod prune;
mod publishing;
mod query;
mod rebuild;
#[cfg(all(test, feature = "simulator"))]
mod reference;
mod report;
mod run;
mod run_monitor;
mod runs;
mod schema;
mod selection;
mod settings;
mod shard;
mod signals;
#[cfg(feature = "simulator")]
mod simulate;
mod snapshot;
mod summary;
mod time_argument;
mod usage_error;
mod verify;
mod window;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command};
pub use exit::Exit;

/// Runs the command that the arguments of this process name.
pub fn main() -> Exit {
    panics::install();
    let exit = std::panic::catch_unwind(command).unwrap_or_else(|_| {
        let arguments: Vec<_> = std::env::args_os().collect();
        if arguments.get(1).is_some_and(|command| command == "schema")
            && let Some(reader) = schema::Reader::in_arguments(&arguments)
        {
            reader.fail("a bug in chatzy-export");
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
        Command::Commit(args) => commit::commit(&args),
        Command::Contacts(args) => contacts::contacts(&args),
        Command::Check(args) => check::check(&args),
        Command::Cat(args) => cat::cat(&args),
        Command::Rebuild(args) => rebuild::rebuild(&args),
        Command::Snapshot(args) => snapshot::snapshot(&args),
        Command::Evidence(args) => evidence::evidence(&args),
        Command::Prune(args) => prune::prune(&args),
        Command::Erase(args) => erase::erase(&args),
        Command::Hold(args) => hold::hold(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Runs(args) => runs::runs(&args),
        Command::Report(args) => report::report(&args),
        Command::Schema(args) => schema::schema(&args),
        #[cfg(feature = "simulator")]
        Command::Simulate(args) => simulate::simulate(*args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => man::man(&args),
    }
}
