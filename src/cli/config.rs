//! The settings file. Its values become the defaults of the options, so options and environment variables
//! override it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::OsStr;
use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, ArgMatches, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Settings file in the working directory, used if no other is given.
pub const DEFAULT_FILE: &str = "chatzy-export.toml";

/// An invalid command line or settings file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings file {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file has a syntax error, an unknown key or conflicting keys.
    #[error("{}, line {line}: {what}", path.display())]
    Bad {
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        what: String,
    },
    /// The command line is invalid, or help is requested.
    #[error("{0}")]
    Usage(#[from] clap::Error),
    /// A value in the file is invalid.
    #[error("{}, line {line}: {what}", path.display())]
    Value {
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// Message from clap.
        what: String,
    },
}

/// Options that exclude each other: each selects the contacts of a run.
const EXCLUSIVE: [&str; 4] = ["contacts", "all-contacts", "contact", "search"];

/// Line of the settings file that sets a default.
struct Origin {
    long: String,
    line: usize,
}

/// Parses the arguments, with the settings file's values as defaults.
pub fn parse(command: Command, arguments: &[OsString]) -> Result<ArgMatches, ConfigError> {
    let first_pass = command.clone().ignore_errors(true).try_get_matches_from(arguments)?;
    let Some(path) = file_of(&command, &first_pass) else {
        return Ok(command.try_get_matches_from(arguments)?);
    };
    let text =
        std::fs::read_to_string(&path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
    let name = first_pass.subcommand_name().unwrap_or_default();
    let (command, origins) = with_defaults(command, name, &path, &text, arguments)?;
    command.try_get_matches_from(arguments).map_err(|error| blame(error, &path, &origins))
}

/// Returns the settings file, if the command accepts one and the file is named or exists.
fn file_of(command: &Command, matches: &ArgMatches) -> Option<PathBuf> {
    let (name, matches) = matches.subcommand()?;
    command.find_subcommand(name)?.get_arguments().find(|arg| arg.get_id() == "config")?;
    let named = matches.get_one::<PathBuf>("config").cloned();
    named.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()))
}

fn with_defaults(
    command: Command,
    subcommand: &str,
    path: &Path,
    text: &str,
    arguments: &[OsString],
) -> Result<(Command, Vec<Origin>), ConfigError> {
    let line_of = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let bad = |at: usize, what: String| ConfigError::Bad { path: path.to_owned(), line: line_of(at), what };
    let table = DeTable::parse(text)
        .map_err(|error| bad(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    let known_elsewhere: Vec<String> = command.get_subcommands().flat_map(longs).collect();
    let mut defaults = Vec::new();
    for (key, value) in table.get_ref() {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        let own = command.find_subcommand(subcommand).is_some_and(|own| longs(own).any(|long| long == name));
        if name == "config" || !(own || known_elsewhere.iter().any(|long| long == name)) {
            return Err(bad(
                at,
                format!("unknown key {name:?}: use the long name of an option, such as page-size"),
            ));
        }
        // An option on the command line replaces the key that it excludes. Two such keys in the file are a
        // mistake.
        let mut excluded = excluded_by(name);
        if let Some(other) = excluded.clone().find(|other| table.get_ref().contains_key(*other)) {
            return Err(bad(at, format!("{name} cannot be used with {other}")));
        }
        if own && !excluded.any(|other| is_given(other, arguments)) {
            let values = values(value).map_err(|what| bad(at, format!("{name}: {what}")))?;
            defaults.push((name.to_owned(), values, line_of(at)));
        }
    }
    let mut origins = Vec::new();
    let mut command = command;
    for (long, values, line) in defaults {
        command = command.mut_subcommand(subcommand, |own| set_default(own, &long, values));
        origins.push(Origin { long, line });
    }
    Ok((command, origins))
}

/// Returns the options that this one excludes.
fn excluded_by(name: &str) -> impl Iterator<Item = &'static str> + Clone + '_ {
    let is_one = EXCLUSIVE.contains(&name);
    EXCLUSIVE.into_iter().filter(move |other| is_one && *other != name)
}

fn is_given(long: &str, arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .filter_map(|argument| argument.to_str()?.strip_prefix("--"))
        .any(|argument| argument.split('=').next() == Some(long))
}

fn longs(command: &Command) -> impl Iterator<Item = String> + '_ {
    command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned))
}

fn set_default(command: Command, long: &str, values: Vec<String>) -> Command {
    let id = command.get_arguments().find(|arg| arg.get_long() == Some(long)).map(|arg| arg.get_id().clone());
    let Some(id) = id else { return command };
    command.mut_arg(id, |arg| {
        if matches!(arg.get_action(), ArgAction::SetTrue) && values == ["false"] {
            return arg;
        }
        arg.required(false).default_values(values.into_iter().map(OsStr::from))
    })
}

/// Returns a value in the form of a command-line argument.
fn values(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, &'static str> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Float(number) => Ok(number.to_string()),
        DeValue::Boolean(truth) => Ok(truth.to_string()),
        DeValue::Datetime(time) => Ok(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => Err("must be a single value or a list of values"),
    };
    match value.get_ref() {
        DeValue::Array(list) => list.iter().map(|value| one(value.get_ref())).collect(),
        value => one(value).map(|text| vec![text]),
    }
}

/// Returns the keys with text values, as far as the file can be read, for an invalid command line.
pub fn text_values(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Ok(table) = DeTable::parse(&text) else { return Vec::new() };
    let values = table.get_ref().iter().filter_map(|(key, value)| match value.get_ref() {
        DeValue::String(value) => Some((key.get_ref().to_string(), value.to_string())),
        _ => None,
    });
    values.collect()
}

/// Adds file and line to an error about a value from the settings file.
fn blame(error: clap::Error, path: &Path, origins: &[Origin]) -> ConfigError {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error.into();
    };
    let long = argument.trim_start_matches("--").split([' ', '=']).next().unwrap_or_default();
    let given =
        std::env::args().any(|given| given.strip_prefix("--").is_some_and(|given| given.starts_with(long)));
    match origins.iter().find(|origin| origin.long == long && !given) {
        Some(origin) => {
            let text = error.to_string();
            let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            ConfigError::Value { path: path.to_owned(), line: origin.line, what }
        }
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Cli;
    use crate::store::Store;

    fn parse_with(config: &str, arguments: &[&str]) -> Result<ArgMatches, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.toml");
        std::io::Write::write_all(&mut crate::durable::create_new(&path).expect("a file"), config.as_bytes())
            .expect("written");
        let mut all = vec!["chatzy-export", "run", "--config", path.to_str().expect("UTF-8")];
        all.extend(arguments);
        let arguments: Vec<OsString> = all.into_iter().map(OsString::from).collect();
        let matches = parse(Cli::command(), &arguments)?;
        Ok(matches.subcommand_matches("run").expect("run").clone())
    }

    #[test]
    fn the_file_gives_defaults_and_flags_win() {
        let config = "contacts = 'ids.csv'\nout = 'export'\npage-size = 50\nflat = true\nchannel = ['whatsapp', 'website']\n";
        let matches = parse_with(config, &["--page-size", "7"]).unwrap();
        assert_eq!(matches.get_one::<u32>("page_size"), Some(&7));
        assert_eq!(matches.get_one::<Store>("out"), Some(&Store::local("export".as_ref())));
        assert!(matches.get_flag("flat"));
        assert_eq!(matches.get_many::<crate::id::Channel>("channel").map(Iterator::count), Some(2));
    }

    #[test]
    fn an_option_replaces_the_key_that_it_excludes() {
        let both = |matches: &ArgMatches| (matches.contains_id("contacts"), matches.get_flag("all_contacts"));
        let all = "all-contacts = true\nout = 'x'\n";
        let file = "contacts = 'ids.csv'\nout = 'x'\n";
        assert_eq!(both(&parse_with(all, &[]).unwrap()), (false, true));
        assert_eq!(both(&parse_with(all, &["--contacts=y"]).unwrap()), (true, false));
        assert_eq!(both(&parse_with(file, &["--all-contacts"]).unwrap()), (false, true));
        for option in ["--contact=a", "--search=a"] {
            assert_eq!(both(&parse_with(all, &[option]).unwrap()), (false, false));
            assert_eq!(both(&parse_with(file, &[option]).unwrap()), (false, false));
        }
        let listed = parse_with("contact = ['a', 'b']\nout = 'x'\n", &[]).unwrap();
        assert_eq!(listed.get_many::<crate::id::ContactId>("contact").map(Iterator::count), Some(2));
    }

    #[test]
    fn mistakes_are_reported_with_their_line() {
        let message = |config: &str| {
            let text = parse_with(config, &[]).unwrap_err().to_string();
            text.split_once("settings.toml").map(|(_, rest)| rest.to_owned()).unwrap_or(text)
        };
        insta::assert_snapshot!(message("out = 'x'\npagesize = 3\n"), @r#", line 2: unknown key "pagesize": use the long name of an option, such as page-size"#);
        insta::assert_snapshot!(message("out = 'x'\ncontacts = 'y'\n\npage-size = 500\n"), @", line 4: invalid value '500' for '--page-size <N>': 500 is not in 1..=100");
        insta::assert_snapshot!(message("contacts = 'x'\nall-contacts = true\n"), @", line 2: all-contacts cannot be used with contacts");
        insta::assert_snapshot!(message("search = 'x'\ncontact = 'y'\n"), @", line 2: contact cannot be used with search");
        insta::assert_snapshot!(message("out = \n"), @", line 1: string values must be quoted, expected literal string");
    }
}
