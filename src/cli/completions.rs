//! The command `completions`: prints the completion script for a shell.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::console;
use super::exit::Exit;

/// Runs the command `completions`.
pub fn completions(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "chatzy-export", &mut script);
    let Ok(script) = String::from_utf8(script) else { return Exit::Bug };
    // clap_complete 4.6.11 bug: its two places in the bash script encode the hyphen of the program name
    // differently.
    let script = script.replace("chatzy__subcmd__export", "chatzy__export");
    if console::print(script.trim_end()) { Exit::Complete } else { Exit::Storage }
}
