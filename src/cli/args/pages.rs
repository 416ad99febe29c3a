//! The options of `completions` and `man`.

use std::path::PathBuf;

use clap::Args;

use super::path::local_path;
use clap_complete::Shell;

pub const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(chatzy-export completions bash)                                        for this session
  chatzy-export completions bash > ~/.local/share/bash-completion/completions/chatzy-export
  chatzy-export completions zsh > ~/.zfunc/_chatzy-export                         with ~/.zfunc in fpath
  chatzy-export completions fish > ~/.config/fish/completions/chatzy-export.fish

`make install` puts them in place, for bash, zsh and fish.";

/// Print completions for a shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell to generate completions for
    pub shell: Shell,
}

pub const MAN_EXAMPLES: &str = "\
Examples:
  chatzy-export man run | man -l -        the manual page of run
  chatzy-export man --out ./man           all pages, one file each

`make install` puts them in place.";

/// Print a manual page, or write all of them
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Command to print the page of [default: the program]
    pub command: Option<String>,
    /// Folder to write all pages to
    #[arg(long, value_name = "DIR", conflicts_with = "command", value_parser = local_path())]
    pub out: Option<PathBuf>,
}
