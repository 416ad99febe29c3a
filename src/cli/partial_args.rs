//! The few options that are needed to report an invalid command line: log format, metrics file and ping URL.
//!
//! The parser stops at the first mistake, so later options are unknown. A nightly run with invalid options
//! must still alert its monitor. This module therefore searches the arguments, the environment and the
//! settings file itself.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::args::{LogFormat, is_url};
use super::command_line::value_of;
use super::config;
use crate::settings::PingUrl;

/// The options that were found.
#[derive(Debug)]
pub struct PartialArgs {
    pub format: LogFormat,
    /// Set for `run` only.
    pub metrics_file: Option<PathBuf>,
    /// Set for `run` only.
    pub ping: Option<PingUrl>,
    pub command: Option<String>,
}

impl PartialArgs {
    /// Searches the arguments, the environment and the settings file.
    pub fn find(arguments: &[OsString]) -> Self {
        let command = arguments.get(1).and_then(|name| name.to_str()).filter(|name| !name.starts_with('-'));
        let is_run = command == Some("run") && !arguments.iter().any(|given| given == "--dry-run");
        let read_settings = || {
            let named = argument(arguments, "--config").or_else(|| std::env::var_os("CHATZY_CONFIG"));
            config::text_values(&named.map_or_else(|| config::DEFAULT_FILE.into(), PathBuf::from))
        };
        let settings = if command.is_some() { read_settings() } else { Vec::new() };
        let setting = |name: &str| {
            let found = settings.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let log_format = argument(arguments, "--log-format").or_else(|| setting("log-format"));
        let ping = argument(arguments, "--ping-url")
            .or_else(|| std::env::var_os("CHATZY_PING_URL"))
            .or_else(|| setting("ping-url"));
        let metrics_file = argument(arguments, "--metrics-file").or_else(|| setting("metrics-file"));
        Self {
            format: if log_format.is_some_and(|format| format == "json") {
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

/// Returns the value of the last occurrence of an option.
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
