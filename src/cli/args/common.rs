//! Options of more than one command.

use std::path::PathBuf;

use clap::Args;

use crate::settings::AuthScheme;

/// The service's public address (api.md, "Base URL").
const PUBLIC_URL: &str = "https://vevdoh3hve.execute-api.us-east-1.amazonaws.com/prod";

/// The service and who we are there.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct ConnectionArgs {
    /// Address of the API; plain http for loopback addresses only
    #[arg(long, value_name = "URL", env = "CHATZY_BASE_URL", hide_env_values = true, default_value = PUBLIC_URL)]
    pub base_url: String,
    /// Command that prints the password
    ///
    /// Credentials are never taken from an argument. Set `CHATZY_EMAIL` with `CHATZY_PASSWORD`, `CHATZY_PASSWORD_FILE` or
    /// this command, or a token with `CHATZY_TOKEN` or `CHATZY_TOKEN_FILE`.
    #[arg(long, value_name = "CMD", env = "CHATZY_PASSWORD_COMMAND", hide_env_values = true)]
    pub password_command: Option<String>,
    /// Form of the Authorization header
    #[arg(long, value_name = "FORM", default_value = "bearer")]
    pub auth_scheme: AuthScheme,
    /// Settings file: long option names as keys [default: chatzy-export.toml in the working directory, if there]
    #[arg(long, value_name = "FILE", env = "CHATZY_CONFIG")]
    pub config: Option<PathBuf>,
}

/// What to tell, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub struct LogArgs {
    /// Only warnings and errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// More: once for retries, twice for every request
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Form of the messages on stderr
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub log_format: LogFormat,
    /// Progress bars: on a terminal, else a line every 10 seconds
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub progress: ProgressWhen,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// When to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressWhen {
    /// Bars on a terminal, else a line every 10 seconds
    Auto,
    /// Bars, terminal or not
    Always,
    /// Nothing
    Never,
}
