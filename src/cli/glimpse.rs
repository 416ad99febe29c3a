//! What can be told of a command line that is none: where to report the mistake, and in which form.
//!
//! Parsing stops at the first mistake, and what stands behind it is unknown then. A nightly run whose options are wrong is
//! to be noticed all the same, so these few options are looked for by themselves: as arguments, in the environment, in
//! the settings file.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::args::{LogFormat, is_url};
use super::config;
use super::invocation::value_of;
use crate::settings::PingUrl;

/// Options found.
#[derive(Debug)]
pub struct Glimpse {
    /// `--log-format`.
    pub format: LogFormat,
    /// `--metrics-file`, of `run`.
    pub metrics_file: Option<PathBuf>,
    /// `--ping-url`, of `run`.
    pub ping: Option<PingUrl>,
    /// The command.
    pub command: Option<String>,
}

impl Glimpse {
    /// Looks for them.
    pub fn of(arguments: &[OsString]) -> Self {
        let command = arguments.get(1).and_then(|name| name.to_str()).filter(|name| !name.starts_with('-'));
        let is_run = command == Some("run") && !arguments.iter().any(|given| given == "--dry-run");
        let settings = || {
            let named = argument(arguments, "--config").or_else(|| std::env::var_os("CHATZY_CONFIG"));
            config::text_values(&named.map_or_else(|| config::DEFAULT_FILE.into(), PathBuf::from))
        };
        let settings = if command.is_some() { settings() } else { Vec::new() };
        let setting = |name: &str| {
            let found = settings.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let is_json = argument(arguments, "--log-format").or_else(|| setting("log-format"));
        let ping = argument(arguments, "--ping-url")
            .or_else(|| std::env::var_os("CHATZY_PING_URL"))
            .or_else(|| setting("ping-url"));
        let metrics_file = argument(arguments, "--metrics-file").or_else(|| setting("metrics-file"));
        Self {
            format: if is_json.is_some_and(|form| form == "json") {
                LogFormat::Json
            } else {
                LogFormat::Text
            },
            metrics_file: metrics_file.filter(|file| is_run && !is_url(file)).map(PathBuf::from),
            ping: ping.filter(|_| is_run).and_then(|url| url.to_str()?.parse().ok()),
            command: command.map(str::to_owned),
        }
    }
}

/// The value of an option, as typed last.
pub fn argument(arguments: &[OsString], option: &str) -> Option<OsString> {
    let mut found = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == option {
            found = rest.next().map(OsString::as_os_str).map(OsStr::to_owned);
        } else if let Some(value) = value_of(argument, option) {
            found = Some(value);
        }
    }
    found.filter(|value| !value.is_empty())
}
