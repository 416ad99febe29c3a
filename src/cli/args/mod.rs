//! Commands and options. Doc comments of commands, fields and values are the help texts.

mod check;
mod common;
mod contacts;
mod pages;
mod path;
mod prune;
mod rebuild;
mod report;
mod run;
mod schema;
#[cfg(feature = "simulator")]
mod simulate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use check::CheckArgs;
pub use common::{
    BuiltInArgs, ConnectionArgs, ContactsFormArgs, LogArgs, LogFormat, ProgressWhen, RequestArgs, WorkArgs,
};
pub use contacts::{ContactsArgs, ListFormatName};
pub use pages::{CompletionsArgs, ManArgs};
pub use path::is_url;
use path::local_path;
pub use prune::PruneArgs;
pub use rebuild::{PartitionKeys, RebuildArgs};
pub use report::ReportArgs;
pub use run::{FormatName, RunArgs};
pub use schema::{DialectName, SchemaArgs, SchemaFormatName};
#[cfg(feature = "simulator")]
pub use simulate::SimulateArgs;

/// Export the conversations of a Chatzy AI account to Parquet or JSONL, with proof of completeness
#[derive(Debug, Parser)]
#[command(
    name = "chatzy-export",
    version,
    propagate_version = true,
    max_term_width = 110,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Command
    #[command(subcommand)]
    pub command: Command,
}

/// Subcommand with its options.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Export contacts' conversations
    #[command(after_help = available(run::EXAMPLES))]
    Run(Box<RunArgs>),
    /// List the account's contacts into a contacts file
    #[command(after_help = available(contacts::EXAMPLES))]
    Contacts(Box<ContactsArgs>),
    /// Check credentials, API behavior and output folder, and estimate a run
    #[command(
        after_help = available(check::EXAMPLES),
        mut_arg("contacts_column", |arg| arg.requires("contacts")),
        mut_arg("delimiter", |arg| arg.requires("contacts"))
    )]
    Check(Box<CheckArgs>),
    /// Check an export against its manifests
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Write an HTML report of a run
    #[command(after_help = report::EXAMPLES)]
    Report(ReportArgs),
    /// Rebuild the tables from a raw archive, without the API
    #[command(after_help = rebuild::EXAMPLES)]
    Rebuild(Box<RebuildArgs>),
    /// Remove old runs with their files
    #[command(after_help = prune::EXAMPLES)]
    Prune(PruneArgs),
    /// Print the tables' columns, or the SQL that loads them
    #[command(after_help = schema::EXAMPLES)]
    Schema(SchemaArgs),
    /// Serve a local API with made-up conversations; the first line on stdout is its URL
    #[cfg(feature = "simulator")]
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(Box<SimulateArgs>),
    /// Print completions for a shell
    #[command(after_help = pages::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print a manual page, or write all of them
    #[command(after_help = pages::MAN_EXAMPLES)]
    Man(ManArgs),
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  chatzy-export verify ./export                     every run of the export: sizes, SHA-256, missing and added files
  chatzy-export verify ./export --deep              also opens every file, and compares rows and coverage
  chatzy-export verify ./export --run 20261120T020000Z-ab12cd --json

Exit codes: 0 no damage, 2 there is no export at PATH, 8 damage was found.";

/// Check an export against its manifests
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Folder of the export
    #[arg(value_parser = local_path())]
    pub path: PathBuf,
    /// Only this run [default: all runs]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Open every file, and compare rows, counts per contact and coverage
    #[arg(long)]
    pub deep: bool,
    /// Print the findings as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Returns the examples that this build can run. A build without the simulator omits those with
/// `--simulated`, and the indented lines that explain them.
fn available(examples: &str) -> String {
    let mut is_left_out = false;
    let mut kept = String::new();
    for line in examples.split_inclusive('\n') {
        is_left_out = match line.strip_prefix("  ") {
            Some(indented) if indented.starts_with(' ') => is_left_out,
            _ => cfg!(not(feature = "simulator")) && line.contains("--simulated"),
        };
        if !is_left_out {
            kept.push_str(line);
        }
    }
    kept
}
