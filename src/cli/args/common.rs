//! Options of more than one command.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::path::local_path;
use humantime::parse_duration;

use crate::cli::limits;
use crate::contacts::{ColumnChoice, Delimiter, Form};
use crate::settings::{AuthScheme, Mixed};
use crate::store::Store;

/// Maximum value of a duration. The end of a longer period may not be a representable time.
const MAX_DURATION: Duration = Duration::from_hours(10 * 365 * 24);

/// Maximum length of a reference, in bytes.
const MAX_REFERENCE: usize = 200;

/// The service's public address (`docs/api.md`).
pub const PUBLIC_URL: &str = "https://vevdoh3hve.execute-api.us-east-1.amazonaws.com/prod";

/// Address of the service and credentials.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct ConnectionArgs {
    /// Address of the API. Plain http is accepted for loopback addresses only
    #[arg(long, value_name = "URL", env = "CHATZY_BASE_URL", hide_env_values = true, default_value = PUBLIC_URL)]
    pub base_url: String,
    /// Command that prints the password
    ///
    /// Credentials are never taken from an argument. Set `CHATZY_EMAIL` with `CHATZY_PASSWORD`,
    /// `CHATZY_PASSWORD_FILE` or this command. Or set a token with `CHATZY_TOKEN` or `CHATZY_TOKEN_FILE`.
    #[arg(long, value_name = "CMD", env = "CHATZY_PASSWORD_COMMAND", hide_env_values = true)]
    pub password_command: Option<String>,
    /// Form of the Authorization header
    #[arg(long, value_name = "FORM", default_value = "bearer")]
    pub auth_scheme: AuthScheme,
    /// Settings file with long option names as keys [default: chatzy-export.toml in the working directory, if
    /// it exists]
    #[arg(long, value_name = "FILE", env = "CHATZY_CONFIG")]
    pub config: Option<PathBuf>,
}

/// Format of a contacts file.
#[derive(Debug, Args)]
pub struct ContactsFormArgs {
    /// Column that holds the IDs [default: `contact_id`]
    #[arg(long, value_name = "NAME")]
    pub contacts_column: Option<String>,
    /// Character between the columns: one character, `tab`, or `none` [default: detected from the header]
    ///
    /// Detected are the comma, the semicolon, the tab and `|`. A file without a header is a list with one ID
    /// per line. Lines that look like something else are refused. With `none`, each line is an ID, including
    /// quotes and separators.
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<Delimiter>,
}

impl ContactsFormArgs {
    /// Returns the format that the options set.
    pub fn form(&self) -> Form {
        Form {
            column: self.contacts_column.clone().map_or(ColumnChoice::Default, ColumnChoice::Named),
            delimiter: self.delimiter.unwrap_or_default(),
        }
    }
}

/// Limits of the requests.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub struct RequestArgs {
    /// Maximum number of requests started per second [default: no limit]
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate_limit: Option<f64>,
    /// Maximum number of retries per request
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub retries: u32,
    /// Maximum time for a request
    #[arg(long, value_name = "D", default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
    /// Maximum time to open a connection
    #[arg(long, value_name = "D", default_value = "10s", value_parser = duration)]
    pub connect_timeout: Duration,
}

/// Lock and work folder, and the policy for unfinished runs and mixed layouts.
#[derive(Debug, Args)]
#[command(next_help_heading = "The run")]
pub struct WorkArgs {
    /// Maximum time to wait for another run on this export [default: exit at once]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub wait_lock: Option<Duration>,
    /// Work folder of an unfinished run; required if --out is a URL [default: _work in the folder of --out]
    ///
    /// A folder inside an export is refused, except _work in that of --out.
    #[arg(long, value_name = "DIR", value_parser = local_path())]
    pub work_dir: Option<PathBuf>,
    /// Discard an unfinished run instead of resuming it
    #[arg(long)]
    pub fresh: bool,
    /// Accept a format, JSONL compression, table format or partition keys that differ from those of the newest run in
    /// this folder
    ///
    /// Many readers read all files of a table together. They fail on mixed layouts, or miss rows. Delta tables name the
    /// files of all runs, also of those with another `--table-format`. They cannot have other formats or partition keys.
    #[arg(long)]
    pub allow_mixed: bool,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Threads of a command that flattens responses.
#[derive(Debug, Args)]
#[command(next_help_heading = "The run")]
pub struct ThreadArgs {
    /// Number of threads that turn responses into rows, 1 to 64 [default: the number of cores, at most 8]
    ///
    /// The files do not depend on it, and a resumed run may use another number. Other threads receive responses and
    /// write files.
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<NonZeroUsize>,
}

impl ThreadArgs {
    /// Returns the number of threads.
    pub fn count(&self) -> NonZeroUsize {
        self.threads.unwrap_or_else(limits::flattening_threads)
    }
}

/// Options of a command that writes to an object store.
#[derive(Debug, Args)]
#[command(next_help_heading = "The run")]
pub struct StoreArgs {
    /// Write to an object store that ignores conditional writes
    ///
    /// Only if no other command ever writes to this export at the same time: they would overwrite each other.
    #[arg(long)]
    pub unconditional: bool,
}

impl StoreArgs {
    /// Returns the location, written to as these options say.
    pub fn of(&self, export: &Store) -> Store {
        if self.unconditional { export.unconditional() } else { export.clone() }
    }
}

impl WorkArgs {
    /// Returns the choice of `--allow-mixed`.
    pub fn mixed(&self) -> Mixed {
        if self.allow_mixed { Mixed::Allowed } else { Mixed::Refused }
    }
}

/// Options of log and progress.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output and logging")]
pub struct LogArgs {
    /// Show only warnings and errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show more: once for retries, twice for every request
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Format of the log on stderr
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub log_format: LogFormat,
    /// Progress on stderr
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub progress: ProgressWhen,
}

/// Options of the progress of a command that reads contacts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output and logging")]
pub struct ProgressArgs {
    /// Time between two lines of progress, where there is no bar. At least 1s
    #[arg(long, value_name = "D", default_value = "10s", value_parser = progress_interval)]
    pub progress_every: Duration,
}

/// Format of the log on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text for people
    Text,
    /// One JSON object per line
    Json,
}

/// Condition for progress on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressWhen {
    /// A bar on a terminal, otherwise a line at each `--progress-every`. A JSON log gets events
    Auto,
    /// A bar without a terminal too. A JSON log gets events, and a bar on a terminal
    Always,
    /// No progress
    Never,
}

/// Accepts a reference of a case or a request.
pub(super) fn reference(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_REFERENCE || text.contains(char::is_control) {
        return Err(format!("must be 1 to {MAX_REFERENCE} bytes without control characters"));
    }
    Ok(text.to_owned())
}

pub(super) fn concurrency(text: &str) -> Result<NonZeroU32, String> {
    let number: u32 = text.parse().map_err(|_| "not a number".to_owned())?;
    NonZeroU32::new(number)
        .filter(|number| number.get() <= 1024)
        .ok_or_else(|| "must be 1 to 1024".to_owned())
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let number: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    NonZeroUsize::new(number).filter(|number| number.get() <= 64).ok_or_else(|| "must be 1 to 64".to_owned())
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() && number >= 0.001 { Ok(number) } else { Err("must be at least 0.001".to_owned()) }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text).map_err(|error| format!("{error}; write it like 30s, 5m or 2h"))?;
    if duration.is_zero() {
        Err("must be longer than zero".to_owned())
    } else if duration > MAX_DURATION {
        Err("must be at most 10 years".to_owned())
    } else {
        Ok(duration)
    }
}

fn progress_interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval < Duration::from_secs(1) { Err("must be at least 1s".to_owned()) } else { Ok(interval) }
}

/// Option of the built-in API. A build without the simulator has none.
#[derive(Clone, Debug, Args)]
pub struct BuiltInArgs {
    /// Start the built-in API on a free loopback port and use it instead of the service
    #[cfg(feature = "simulator")]
    #[arg(long, help_heading = "Requests")]
    pub simulated: bool,
}
