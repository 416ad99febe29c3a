//! The options of the simulator. Their docs are the help of `chatzy-export simulate`.
//!
//! Options also parse from a line as typed: `"--clamp 20 --errors 0.1".parse()`.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser};
use humantime::parse_duration;

pub use super::choices::{
    AuthForm, Compress, ExpiryAt, Grouping, Order, RetryAfter, Toggle, Unknown, WildKind,
};

/// Behavior of the simulated service. By default it follows the documentation and has no faults.
#[derive(Clone, Debug, Args)]
pub struct SimulatorOptions {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// Seed of all conversations and random events
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Maximum messages of a contact whose ID does not set a number (`messages-3200-…`)
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub max_messages: u64,
    /// Number of contacts in the account
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub account_contacts: u32,
    /// Response for a contact that does not exist (about 2 % of all IDs, and `unknown-…`)
    #[arg(long, value_name = "HOW", default_value = "404")]
    pub unknown: Unknown,
    /// Compress responses for clients that accept it
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "best")]
    pub compress: Option<Compress>,
    /// Probability that an outgoing message has receipts: delivered, read, reactions
    #[arg(long, value_name = "P", default_value_t = 1.0, value_parser = probability)]
    pub receipts: f64,
    /// Paging options.
    #[command(flatten)]
    pub pages: PageOptions,
    /// Sign-in options.
    #[command(flatten)]
    pub sign_in: SignInOptions,
    /// Fault options.
    #[command(flatten)]
    pub faults: FaultOptions,
    /// Options for changes and oddities.
    #[command(flatten)]
    pub changes: ChangeOptions,
}

/// Paging options.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Pages")]
pub struct PageOptions {
    /// Order of messages: the first offset has the newest or the oldest
    #[arg(long, value_name = "WHICH", default_value = "newest")]
    pub order: Order,
    /// Group messages by conversation
    #[arg(long, value_name = "WHEN", default_value = "asked")]
    pub grouping: Grouping,
    /// Include `conversation_id` in the messages of a flat list
    #[arg(long, value_name = "ON|OFF", default_value = "on")]
    pub flat_ids: Toggle,
    /// Maximum messages per page, whatever the limit in the request
    #[arg(long, value_name = "N")]
    pub clamp: Option<u64>,
    /// Count limit and offset inside each conversation
    #[arg(long)]
    pub per_conversation: bool,
    /// Probability of a page with fewer messages than requested; always the same pages
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub short_pages: f64,
    /// Always serve the first page
    #[arg(long)]
    pub ignore_offset: bool,
    /// Always use a limit of 50
    #[arg(long)]
    pub ignore_limit: bool,
}

/// Sign-in options.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignInOptions {
    /// Accept only this e-mail address [default: any]
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Accept only this password [default: any]
    #[arg(long, value_name = "PASSWORD")]
    pub sim_password: Option<String>,
    /// Accept this token too; it never expires
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Lifetime of a token from signing in
    #[arg(long, value_name = "D", default_value = "1h", value_parser = parse_duration)]
    pub token_life: Duration,
    /// Expiry time in the sign-in response
    #[arg(long, value_name = "WHAT", default_value = "correct")]
    pub expiry_at: ExpiryAt,
    /// Accepted form of the Authorization header
    #[arg(long, value_name = "FORM", default_value = "any")]
    pub auth: AuthForm,
    /// Respond with 401 to every Nth request with a valid token
    #[arg(long, value_name = "N")]
    pub unauthorized_every: Option<u64>,
}

/// Fault options. Each request for a contact draws anew, so that a retry can succeed.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Faults")]
pub struct FaultOptions {
    /// Latency of every response
    #[arg(long, value_name = "D", default_value = "0s", value_parser = parse_duration)]
    pub latency: Duration,
    /// Maximum random latency added to --latency
    #[arg(long, value_name = "D", default_value = "0s", value_parser = parse_duration)]
    pub jitter: Duration,
    /// Maximum requests per second; others get 429
    #[arg(long, value_name = "N")]
    pub rate_limit: Option<u32>,
    /// Retry-After header of a 429: `none`, a number of seconds, `date` or `garbage`
    #[arg(long, value_name = "WHAT", default_value = "none")]
    pub retry_after: RetryAfter,
    /// Number of requests before all get 429 "Limit Exceeded"
    #[arg(long, value_name = "N")]
    pub quota: Option<u64>,
    /// Respond to requests FROM to TO (from 1, TO excluded) with 503 or a reset
    #[arg(long, value_name = "FROM..TO", value_parser = window)]
    pub outage: Option<Range<u64>>,
    /// Probability of a 500, 502, 503 or 504
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub errors: f64,
    /// Probability of a connection reset instead of a response
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub resets: f64,
    /// Probability of a connection closed in the middle of the body
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub cut: f64,
    /// Probability of a 200 with HTML, as from a captive portal
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub html: f64,
    /// Probability of a 200 with an empty body
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub empty_body: f64,
    /// Probability of a 200 with {"error": …}
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub error_answers: f64,
    /// Probability of a slow body
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub slow: f64,
    /// Bytes per second of a slow body
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub slow_rate: u32,
    /// Probability of a body that stops in the middle while the connection stays open
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub stalls: f64,
    /// Maximum size of a page; larger ones get 502
    #[arg(long, value_name = "BYTES")]
    pub too_large: Option<usize>,
}

/// Options for changes and oddities.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Changes and oddities")]
pub struct ChangeOptions {
    /// Probability of a new message of a contact before each of its pages
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub drift_insert: f64,
    /// Probability of a deleted message of a contact before each of its pages
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub drift_delete: f64,
    /// Probability of a new message of some contact before each page of the contact list
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub list_drift: f64,
    /// Probability of an odd contact, conversation or message: unknown or missing fields, other types, …
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub wild: f64,
    /// Oddities to use: all, or only those that are valid JSON
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub wild_kind: WildKind,
    /// Plant made-up personal data in contacts, texts and records; GET `/_canaries?contact_id=ID` lists it
    #[arg(long)]
    pub canaries: bool,
}

fn probability(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("use a probability from 0 to 1".to_owned()) }
}

fn window(text: &str) -> Result<Range<u64>, String> {
    let ends = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    ends.ok_or_else(|| "use two request numbers, such as 100..200".to_owned())
}

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    options: SimulatorOptions,
}

impl FromStr for SimulatorOptions {
    type Err = clap::Error;

    fn from_str(line: &str) -> Result<Self, clap::Error> {
        Line::try_parse_from(line.split_whitespace()).map(|line| line.options)
    }
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        "".parse().expect("every option has a default")
    }
}
