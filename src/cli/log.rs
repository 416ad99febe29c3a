//! Events as lines on stderr: text for people, JSON for machines, around a progress bar that may be there.

use std::sync::Arc;

use serde::Serialize;

use super::args::{LogArgs, LogFormat};
use super::console::{self, now};
use super::exit::Exit;
use super::progress::Progress;
use crate::event::{Event, Level, Observer};

/// Shows events.
pub struct Console {
    most: Level,
    format: LogFormat,
    progress: Progress,
}

impl Console {
    /// As the options say.
    pub fn new(args: &LogArgs) -> Arc<Self> {
        let most = match (args.quiet, args.verbose) {
            (true, _) => Level::Warn,
            (false, 0) => Level::Info,
            (false, 1) => Level::Debug,
            (false, _) => Level::Trace,
        };
        let progress =
            if args.quiet { Progress::none() } else { Progress::new(args.progress, args.log_format) };
        if args.log_format == LogFormat::Json {
            console::speak_json();
        }
        Arc::new(Self { most, format: args.log_format, progress })
    }

    /// One for warnings and the last word only.
    pub fn silent(format: LogFormat) -> Arc<Self> {
        if format == LogFormat::Json {
            console::speak_json();
        }
        Arc::new(Self { most: Level::Warn, format, progress: Progress::none() })
    }

    /// The one line that says how the run ended, and what to type next. A run that is all well is silent with `--quiet`.
    pub fn last_word(&self, exit: Exit, sentence: &str, command: Option<&str>) {
        if self.most == Level::Warn && exit == Exit::Complete {
            return;
        }
        last_word(self.format, "published", exit, sentence, command);
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        self.progress.finish();
    }
}

impl Observer for Console {
    fn event(&self, event: Event) {
        let level = event.level();
        if level <= self.most {
            self.progress.above(|| match self.format {
                LogFormat::Text => console::tell(&text(&event, level)),
                LogFormat::Json => console::tell_json(&json(&event, level)),
            });
        }
        self.progress.event(&event);
    }
}

/// The one line that says how a command ended; `done` is the event of one that did what it was to do.
pub fn last_word(format: LogFormat, done: &'static str, exit: Exit, sentence: &str, command: Option<&str>) {
    match format {
        LogFormat::Text => match command {
            Some(command) => console::tell(&format!("{sentence}: {command}")),
            None => console::tell(sentence),
        },
        LogFormat::Json => {
            let (level, event) = match exit {
                Exit::Complete => ("info", done),
                Exit::Partial => ("error", "published_partly"),
                _ => ("error", "failed"),
            };
            let line = LastLine {
                time: now(),
                level,
                event,
                message: sentence.trim_start_matches("error: "),
                exit_code: exit.code(),
                command,
            };
            console::tell_json(&serde_json::to_string(&line).unwrap_or_default());
        }
    }
}

#[derive(Serialize)]
struct LastLine<'a> {
    time: String,
    level: &'static str,
    event: &'static str,
    message: &'a str,
    exit_code: u8,
    command: Option<&'a str>,
}

fn json(event: &Event, level: Level) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        level: Level,
        #[serde(flatten)]
        event: &'a Event,
    }
    serde_json::to_string(&Line { time: now(), level, event }).unwrap_or_default()
}

fn text(event: &Event, level: Level) -> String {
    let mark = if level == Level::Warn { "warning: " } else { "" };
    format!("{mark}{}", sentence(event))
}

fn sentence(event: &Event) -> String {
    match event {
        Event::Started { run_id, contacts, already_read: 0 } => format!("run {run_id}: {contacts} contacts"),
        Event::Started { run_id, contacts, already_read } => {
            format!("run {run_id} goes on: {contacts} contacts, {already_read} of them read already")
        }
        Event::WaitingForLock { path, seconds } => {
            format!("another run works on {path}: waiting for it, at most {seconds} s")
        }
        Event::SignedIn { life_seconds } => format!("signed in, for {} minutes", life_seconds.div_ceil(60)),
        Event::SignInFailed { reason, suppressed: 0 } => {
            format!("could not sign in, will try again: {reason}")
        }
        Event::SignInFailed { reason, suppressed } => {
            format!(
                "could not sign in ({suppressed} more failures since the last warning), will try again: {reason}"
            )
        }
        Event::PageRead { contact, offset, messages, bytes } => {
            format!("contact {contact}: {messages} messages at offset {offset}, {bytes} bytes")
        }
        Event::Retry { contact, offset, reason, delay_ms } => {
            format!("contact {contact}, offset {offset}: {reason}; again in {delay_ms} ms")
        }
        Event::ListingRead { offset, contacts, so_far } => {
            format!("list of contacts: {contacts} at offset {offset}, {so_far} known before")
        }
        Event::ListingRetry { offset, reason, delay_ms } => {
            format!("list of contacts, offset {offset}: {reason}; again in {delay_ms} ms")
        }
        Event::ListingDoubtful { reason } | Event::AnswersDoubtful { reason } => reason.clone(),
        Event::Throttled { delay_ms } => format!("the API asks to slow down: silent for {delay_ms} ms"),
        Event::OutageBegan { reason } => {
            format!("the API does not answer any more ({reason}): waiting for it")
        }
        Event::OutageEnded { seconds } => format!("the API answers again, after {seconds} s"),
        Event::ContactDone { contact, status, error: Some(error), .. } => {
            format!("contact {contact} is {status}: {error}")
        }
        Event::ContactDone { contact, status, messages, error: None } => {
            format!("contact {contact} is {status}: {messages} messages")
        }
        Event::Totals { requests, retries, .. } => format!("{requests} requests, {retries} of them repeats"),
        Event::Fetched => "all contacts are read".to_owned(),
        Event::Built { contacts, messages } => {
            format!("{contacts} contacts with {messages} messages are in files")
        }
        Event::SyncFailed { reason } => format!("{reason}: it is given up and written anew"),
        Event::SchemaChanged { table, field, change } => {
            format!("the API's answers have changed: {}", changed(table, field, change))
        }
        Event::Publishing { files } => format!("publishing {files} files"),
        Event::PingFailed { host, reason } => format!("cannot ping {host}: {reason}"),
        Event::MetricsFailed { reason } => format!("no metrics: {reason}"),
        Event::Shortage { reason } => format!("{reason}: fewer requests are sent at once"),
        Event::Note { message } => message.clone(),
    }
}

/// A change of the API's answers, as a sentence.
fn changed(table: &str, field: &str, change: &str) -> String {
    match change {
        "appeared" => format!("new field {field} in {table}, kept in the column extra"),
        "vanished" => format!("field {field} is no longer in {table}"),
        "has_values" => format!("column {field} of {table} has values for the first time"),
        "became_null" => format!("column {field} of {table} has no values any more"),
        other => format!("{field} of {table}: {other}"),
    }
}
