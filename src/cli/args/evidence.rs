//! The options of `evidence`.

use std::path::PathBuf;

use clap::Args;

use super::path::{export_path, input_file, local_path};
use super::{ContactsFormArgs, LogArgs, ProgressArgs};
use crate::evidence::CitePrefix;
use crate::id::{ContactId, RunId};
use crate::printable::is_hostile;
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export evidence ./export --out ./package
      all contacts, each as the newest run has it
  chatzy-export evidence ./export --out ./case-17.zip --zip --contact 0e56f030-2a0f-41a6-bbff-856264595233 \\
      --reference 'Case 17' --operator 'Jo Doe' --organization 'Shop Ltd' --prefix CASE17-
  chatzy-export evidence ./export --out ./package --sign ~/.ssh/evidence_ed25519 --timestamp-url http://timestamp.example
  chatzy-export evidence ./export --out ./package --run 20261120T020000Z-ab12cd --time-zone Europe/Berlin
  chatzy-export evidence --redact-template > policy.toml
  chatzy-export evidence ./export --out ./redacted --redact policy.toml --pseudonym-key-file ./key

Open data/index.html in the package. README.txt is for its reader, VERIFY.txt for an expert. The package is a BagIt bag:
`sha256sum -c` and `bagit.py --validate` check it. Without a selection of contacts it also has the files of the runs. The
same export, program and options give the same bytes. After an interruption, run the same command again: it starts over.

Exit codes: 0 complete, 2 usage, or there is no such export or run, 3 complete, but some contacts are incomplete or in no
run, 5 complete, but without the time stamp (the same command adds it), 6 storage, 7 another command makes the package,
8 a file of the export is damaged, 9 something else is at --out, 130/143 interrupted.";

/// Make a package of conversations for people: transcripts, tables, proof
#[derive(Debug, Args)]
pub struct EvidenceArgs {
    /// Export: a folder, or the URL of one in an object store; required without --redact-template
    #[arg(value_parser = export_path(), required_unless_present = "redact_template")]
    pub path: Option<Store>,
    /// Path of the package, outside of PATH; required without --redact-template
    #[arg(long, value_name = "DIR", value_parser = local_path(), required_unless_present = "redact_template")]
    pub out: Option<PathBuf>,
    /// Write one ZIP file instead of a folder
    #[arg(long)]
    pub zip: bool,
    /// Add files for review platforms: Relativity Short Message Format 2.0
    #[arg(long)]
    pub rsmf: bool,

    /// Only the contacts in this file; `-` is stdin [default: all contacts]
    #[arg(long, value_name = "FILE", value_parser = input_file(), conflicts_with = "contact", help_heading = "Contacts")]
    pub contacts: Option<PathBuf>,
    /// Only this contact; may be repeated
    #[arg(long, value_name = "ID", help_heading = "Contacts")]
    pub contact: Vec<ContactId>,
    #[command(flatten, next_help_heading = "Contacts")]
    pub contacts_form: ContactsFormArgs,
    /// The newest run to use; older runs have the contacts that it left unchanged [default: the newest run]
    #[arg(long, value_name = "ID", help_heading = "Contacts")]
    pub run: Option<RunId>,

    /// Number or name of the case or request
    #[arg(long, value_name = "TEXT", value_parser = visible_text, help_heading = "Case")]
    pub reference: Option<String>,
    /// Person who makes the package
    #[arg(long, value_name = "NAME", value_parser = visible_text, help_heading = "Case")]
    pub operator: Option<String>,
    /// Organization of that person
    #[arg(long, value_name = "NAME", value_parser = visible_text, help_heading = "Case")]
    pub organization: Option<String>,
    /// Date of the package, as YYYY-MM-DD [default: none, so that the same command gives the same bytes]
    #[arg(long, value_name = "DATE", help_heading = "Case")]
    pub date: Option<chrono::NaiveDate>,
    /// Text before the number of each message
    #[arg(long, value_name = "TEXT", default_value_t, help_heading = "Case")]
    pub prefix: CitePrefix,
    /// Time zone to show beside UTC, such as Europe/Berlin
    #[arg(long, value_name = "NAME", help_heading = "Case")]
    pub time_zone: Option<String>,

    /// Sign the package with this unencrypted Ed25519 key of OpenSSH; VERIFY.txt has the check
    #[arg(long, value_name = "KEY", value_parser = local_path(), help_heading = "Proof")]
    pub sign: Option<PathBuf>,
    /// Add a time stamp (RFC 3161) of this authority; only a hash is sent to it
    #[arg(long, value_name = "URL", help_heading = "Proof")]
    pub timestamp_url: Option<String>,
    #[command(flatten, next_help_heading = "Redaction")]
    pub redaction: RedactionArgs,

    /// Print the outcome as one JSON document on stdout
    #[arg(long, help_heading = "Output and logging")]
    pub json: bool,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
}

/// Options of a redacted package.
#[derive(Debug, Args)]
pub struct RedactionArgs {
    /// Policy that says what to leave out or replace, as TOML; the package then has no original files
    #[arg(long, value_name = "POLICY", value_parser = local_path())]
    pub redact: Option<PathBuf>,
    /// Key of the pseudonyms: a file with 32 random bytes or more that only you can read
    #[arg(long, value_name = "FILE", value_parser = local_path(), requires = "redact")]
    pub pseudonym_key_file: Option<PathBuf>,
    /// Print a policy with all columns and a suggestion for each, and end
    #[arg(long, exclusive = true)]
    pub redact_template: bool,
}

/// Accepts a text that looks the same wherever it is printed.
fn visible_text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    match text.chars().find(|c| is_hostile(*c)) {
        Some(c) => Err(format!("it contains the invisible character {}", c.escape_default())),
        None => Ok(text.to_owned()),
    }
}
