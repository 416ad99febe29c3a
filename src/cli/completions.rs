//! `completions`: what a shell needs to complete our commands and options.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::console;
use super::exit::Exit;

/// Prints the completions.
pub fn completions(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "chatzy-export", &mut script);
    let Ok(script) = String::from_utf8(script) else { return Exit::Bug };
    // clap_complete 4.6.11 writes the blank of "chatzy-export run" and the hyphen of the name alike where bash looks a
    // command up, and not alike where it finds out which one it is.
    let script = script.replace("chatzy__subcmd__export", "chatzy__export");
    if console::print(script.trim_end()) { Exit::Complete } else { Exit::Storage }
}
