//! The simulator's switches. Their docs are the help of `chatzy-export simulate`.
//!
//! Options also parse from a line of switches, `"--clamp 20 --errors 0.1".parse()`, so that a test reads like what a
//! user would type.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser};
use humantime::parse_duration;

pub use super::choices::{AuthForm, ExpiryAt, Grouping, Order, RetryAfter, Toggle, Unknown, WildKind};

/// How the simulated service behaves: by default like the documented one on a good day.
#[derive(Clone, Debug, Args)]
pub struct SimulatorOptions {
    /// Port on 127.0.0.1; 0 selects a free port
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// Seed of all conversations and of all chances
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Maximum number of messages of a contact, unless its ID has the number (`messages-3200-…`)
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub max_messages: u64,
    /// Number of contacts in the account's list
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub account_contacts: u32,
    /// Response for a contact that does not exist (about 2 % of all IDs, and `unknown-…`)
    #[arg(long, value_name = "HOW", default_value = "404")]
    pub unknown: Unknown,
    /// Compress responses for clients that accept gzip or zstd
    #[arg(long)]
    pub compress: bool,
    /// How histories are cut into pages.
    #[command(flatten)]
    pub pages: PageOptions,
    /// Who may sign in, and for how long.
    #[command(flatten)]
    pub sign_in: SignInOptions,
    /// What goes wrong.
    #[command(flatten)]
    pub faults: FaultOptions,
    /// What changes, and what is odd.
    #[command(flatten)]
    pub changes: ChangeOptions,
}

/// How histories are cut into pages.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Pages")]
pub struct PageOptions {
    /// Order of messages over the offsets
    #[arg(long, value_name = "WHICH", default_value = "newest")]
    pub order: Order,
    /// Grouping of messages by conversation
    #[arg(long, value_name = "WHEN", default_value = "asked")]
    pub grouping: Grouping,
    /// `conversation_id` on the messages of a flat list
    #[arg(long, value_name = "ON|OFF", default_value = "on")]
    pub flat_ids: Toggle,
    /// Return at most N messages, whatever the limit
    #[arg(long, value_name = "N")]
    pub clamp: Option<u64>,
    /// Count limit and offset inside each conversation
    #[arg(long)]
    pub per_conversation: bool,
    /// Chance that a page has fewer messages than it should; always the same pages
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub short_pages: f64,
    /// Always serve the first page
    #[arg(long)]
    pub ignore_offset: bool,
    /// Always return up to 50 messages, whatever the limit
    #[arg(long)]
    pub ignore_limit: bool,
}

/// Who may sign in, and for how long.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignInOptions {
    /// Only address that may sign in [default: any]
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Password that may sign in [default: any]
    #[arg(long, value_name = "PASSWORD")]
    pub sim_password: Option<String>,
    /// Additional token that is always accepted
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Lifetime of a token from signing in
    #[arg(long, value_name = "D", default_value = "1h", value_parser = parse_duration)]
    pub token_life: Duration,
    /// Reported end of the token's life
    #[arg(long, value_name = "WHAT", default_value = "correct")]
    pub expiry_at: ExpiryAt,
    /// Accepted form of the Authorization header
    #[arg(long, value_name = "FORM", default_value = "any")]
    pub auth: AuthForm,
    /// Answer every Nth request with a valid token with 401
    #[arg(long, value_name = "N")]
    pub unauthorized_every: Option<u64>,
}

/// What goes wrong. Chances are drawn anew for each request of a contact, so that repeating one helps.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Faults")]
pub struct FaultOptions {
    /// Latency of every response
    #[arg(long, value_name = "D", default_value = "0s", value_parser = parse_duration)]
    pub latency: Duration,
    /// Maximum additional random latency
    #[arg(long, value_name = "D", default_value = "0s", value_parser = parse_duration)]
    pub jitter: Duration,
    /// Maximum number of requests in any second; others are answered 429
    #[arg(long, value_name = "N")]
    pub rate_limit: Option<u32>,
    /// Retry-After of a 429: `none`, seconds, `date` or `garbage`
    #[arg(long, value_name = "WHAT", default_value = "none")]
    pub retry_after: RetryAfter,
    /// Number of requests before all others are answered 429 "Limit Exceeded"
    #[arg(long, value_name = "N")]
    pub quota: Option<u64>,
    /// Answer requests FROM to TO (counted from 1, TO excluded) with 503 or a reset
    #[arg(long, value_name = "FROM..TO", value_parser = window)]
    pub outage: Option<Range<u64>>,
    /// Chance of a 500, 502, 503 or 504
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub errors: f64,
    /// Chance that the connection is reset without a response
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub resets: f64,
    /// Chance that the connection is closed in the middle of the body
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub cut: f64,
    /// Chance of a 200 with a page of HTML, as from a captive portal
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub html: f64,
    /// Chance of a 200 with an empty body
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub empty_body: f64,
    /// Chance of a 200 that holds {"error": …}
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub error_answers: f64,
    /// Chance that the body is sent slowly
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub slow: f64,
    /// Bytes per second of a slow body
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub slow_rate: u32,
    /// Chance that the body stops in the middle and the connection stays open
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub stalls: f64,
    /// Answer pages of more than this size with 502
    #[arg(long, value_name = "BYTES")]
    pub too_large: Option<usize>,
}

/// What changes while it is read, and what is odd.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Changes and oddities")]
pub struct ChangeOptions {
    /// Chance that a contact gets one more message before a page of it is served
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub drift_insert: f64,
    /// Chance that a contact loses a message before a page of it is served
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub drift_delete: f64,
    /// Chance that a contact of the account's list gets one more message before a part of the list is served
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub list_drift: f64,
    /// Chance that a contact, conversation or message is unusual: unknown or missing fields, other types, …
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub wild: f64,
    /// Kinds of unusual values: all, or only those in valid JSON
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub wild_kind: WildKind,
}

fn probability(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("a chance is between 0 and 1".to_owned()) }
}

fn window(text: &str) -> Result<Range<u64>, String> {
    let ends = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    ends.ok_or_else(|| "two request numbers like 100..200".to_owned())
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
        "".parse().expect("every switch has a default")
    }
}
