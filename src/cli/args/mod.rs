//! Commands and options. Doc comments of commands, fields and values are the help texts.

mod cat;
mod check;
mod commit;
mod common;
mod contacts;
mod erase;
mod evidence;
mod hold;
mod pages;
mod path;
mod prune;
mod rebuild;
mod report;
mod run;
mod runs;
mod schema;
#[cfg(feature = "simulator")]
mod simulate;
mod snapshot;

use clap::{Args, Parser, Subcommand};

use crate::store::Store;
pub use cat::{CatArgs, RowFormatName};
pub use check::CheckArgs;
pub use commit::CommitArgs;
pub use common::{
    BuiltInArgs, ConnectionArgs, ContactsFormArgs, LogArgs, LogFormat, PUBLIC_URL, ProgressArgs,
    ProgressWhen, RequestArgs, StoreArgs, ThreadArgs, WorkArgs,
};
pub use contacts::{ContactsArgs, ListFormatName};
pub use erase::EraseArgs;
pub use evidence::{EvidenceArgs, RedactionArgs};
pub use hold::HoldArgs;
pub use pages::{CompletionsArgs, ManArgs};
use path::export_path;
pub use path::{OutputFile, is_url, object};
pub use prune::PruneArgs;
pub use rebuild::{PartitionKeys, RebuildArgs};
pub use report::ReportArgs;
pub use run::{FormatName, RunArgs};
pub use runs::RunsArgs;
pub use schema::{DialectName, RegistryName, SchemaArgs, SchemaFormatName};
#[cfg(feature = "simulator")]
pub use simulate::SimulateArgs;
pub use snapshot::SnapshotArgs;

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
    #[command(after_help = service_help(run::EXAMPLES))]
    Run(Box<RunArgs>),
    /// Publish the shards of a run as one run
    #[command(after_help = commit::EXAMPLES)]
    Commit(CommitArgs),
    /// List the account's contacts into a contacts file
    #[command(after_help = service_help(contacts::EXAMPLES))]
    Contacts(Box<ContactsArgs>),
    /// Check credentials, API behavior and output folder, and estimate a run
    #[command(
        after_help = service_help(check::EXAMPLES),
        mut_arg("contacts_column", |arg| arg.requires("contacts")),
        mut_arg("delimiter", |arg| arg.requires("contacts"))
    )]
    Check(Box<CheckArgs>),
    /// Check an export against its manifests
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// List the runs of an export
    #[command(after_help = runs::EXAMPLES)]
    Runs(RunsArgs),
    /// Write an HTML report of a run
    #[command(after_help = report::EXAMPLES)]
    Report(ReportArgs),
    /// Print a table of a run as JSONL or Arrow
    #[command(after_help = cat::EXAMPLES)]
    Cat(CatArgs),
    /// Rebuild the tables from a raw archive, without the API
    #[command(after_help = rebuild::EXAMPLES)]
    Rebuild(Box<RebuildArgs>),
    /// Write the newest version of each contact as an export of its own
    #[command(after_help = snapshot::EXAMPLES)]
    Snapshot(Box<SnapshotArgs>),
    /// Make a package of conversations for people: transcripts, tables, proof
    #[command(after_help = evidence::EXAMPLES)]
    Evidence(Box<EvidenceArgs>),
    /// Remove old runs with their files
    #[command(after_help = prune::EXAMPLES)]
    Prune(PruneArgs),
    /// Remove contacts from every run of an export
    #[command(
        after_help = erase::EXAMPLES,
        mut_arg("contacts_column", |arg| arg.requires("contacts")),
        mut_arg("delimiter", |arg| arg.requires("contacts"))
    )]
    Erase(Box<EraseArgs>),
    /// Forbid to remove runs or contacts, or list and release such holds
    #[command(
        after_help = hold::EXAMPLES,
        mut_arg("contacts_column", |arg| arg.requires("contacts")),
        mut_arg("delimiter", |arg| arg.requires("contacts"))
    )]
    Hold(Box<HoldArgs>),
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
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
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

/// Environment variables of the commands that use the service.
const ENVIRONMENT: &str = "

Environment:
  CHATZY_EMAIL, CHATZY_PASSWORD_FILE (or CHATZY_PASSWORD)
      e-mail address and password of the account
  CHATZY_TOKEN_FILE (or CHATZY_TOKEN)
      a token instead of a password
  HTTPS_PROXY (or ALL_PROXY)
      proxy, such as http://proxy:3128 or socks5h://proxy:1080
  NO_PROXY
      names and addresses that need no proxy, separated by commas
  SSL_CERT_FILE, SSL_CERT_DIR
      root certificates instead of those of the system

Exit codes:";

/// Returns the examples of a command that uses the service, with the environment variables before the exit codes.
fn service_help(examples: &str) -> String {
    available(examples).replacen("\n\nExit codes:", ENVIRONMENT, 1)
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
