//! What can be typed. The docs of the fields are the help.

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

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::simulator::SimulatorOptions;

pub use check::CheckArgs;
pub use common::{ConnectionArgs, ContactsFormArgs, LogArgs, LogFormat, ProgressWhen, RequestArgs, WorkArgs};
pub use contacts::{ContactsArgs, ListFormatName};
pub use pages::{CompletionsArgs, ManArgs};
pub use path::is_url;
use path::local_path;
pub use prune::PruneArgs;
pub use rebuild::{PartitionKeys, RebuildArgs};
pub use report::ReportArgs;
pub use run::{FormatName, RunArgs};
pub use schema::{DialectName, SchemaArgs, SchemaFormatName};

/// Export the conversations of a Chatzy AI account to Parquet or JSONL, losing nothing and proving it
#[derive(Debug, Parser)]
#[command(
    name = "chatzy-export",
    version,
    propagate_version = true,
    max_term_width = 110,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Export contacts' conversations
    #[command(after_help = run::EXAMPLES)]
    Run(Box<RunArgs>),
    /// List the account's contacts into a contacts file
    #[command(after_help = contacts::EXAMPLES)]
    Contacts(Box<ContactsArgs>),
    /// Test sign-in, the API's ways and the destination, and plan a run
    #[command(
        after_help = check::EXAMPLES,
        mut_arg("contacts_column", |arg| arg.requires("contacts")),
        mut_arg("delimiter", |arg| arg.requires("contacts"))
    )]
    Check(Box<CheckArgs>),
    /// Check an export against its manifests
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Make a page that shows how a run went
    #[command(after_help = report::EXAMPLES)]
    Report(ReportArgs),
    /// Make the tables again from a kept raw archive, without the API
    #[command(after_help = rebuild::EXAMPLES)]
    Rebuild(Box<RebuildArgs>),
    /// Remove old runs with their files
    #[command(after_help = prune::EXAMPLES)]
    Prune(PruneArgs),
    /// Print the tables' columns, or the SQL that loads them
    #[command(after_help = schema::EXAMPLES)]
    Schema(SchemaArgs),
    /// Serve a local API with made-up conversations; the first line on stdout is its URL
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(Box<SimulateArgs>),
    /// Print the completions for a shell
    #[command(after_help = pages::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print a manual page, or write all of them
    #[command(after_help = pages::MAN_EXAMPLES)]
    Man(ManArgs),
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  chatzy-export verify ./export                     every run of the export: sizes, SHA-256, missing and added files
  chatzy-export verify ./export --deep              opens every file too, and compares rows and coverage
  chatzy-export verify ./export --run 20261120T020000Z-ab12cd --json

Exit codes: 0 all is as it was written, 8 damage was found, 2 there is no export at PATH.";

/// Check an export against its manifests
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The folder of the export
    #[arg(value_parser = local_path())]
    pub path: PathBuf,
    /// Only this run
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Open every file and compare rows, counts per contact and coverage with each other
    #[arg(long)]
    pub deep: bool,
    /// The findings as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// How to log.
    #[command(flatten)]
    pub log: LogArgs,
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  chatzy-export simulate                                   a service on a good day, on a free port
  chatzy-export simulate --port 8080 --seed 7 --errors 0.05 --rate-limit 100
  chatzy-export simulate --clamp 40 --order oldest --drift-insert 0.2 --drift-delete 0.2

Then, in another terminal:
  CHATZY_TOKEN=any chatzy-export run --base-url http://127.0.0.1:8080 --contacts contacts.csv --out ./export
with --token any given to simulate, or with any CHATZY_EMAIL and CHATZY_PASSWORD.";

/// Serve a local API with made-up conversations
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// How the service behaves.
    #[command(flatten)]
    pub options: SimulatorOptions,
}
