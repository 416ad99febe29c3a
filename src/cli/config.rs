//! The settings file: its values become the defaults of the options, so that flag > environment > file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::OsStr;
use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, ArgMatches, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Read when it lies in the working directory and no other is named.
pub const DEFAULT_FILE: &str = "chatzy-export.toml";

/// Why the arguments and the settings file together are no command.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}, line {line}: {what}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The command line is wrong, or help was asked for.
    #[error("{0}")]
    Usage(#[from] clap::Error),
    /// A value in the file is wrong.
    #[error("{}, line {line}: {what}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What clap says of it.
        what: String,
    },
}

/// Options that exclude each other.
const RIVALS: [(&str, &str); 2] = [("contacts", "all-contacts"), ("all-contacts", "contacts")];

/// Where a default comes from.
struct Origin {
    long: String,
    line: usize,
}

/// Parses the arguments, with the settings file's values as defaults.
pub fn parse(command: Command, arguments: &[OsString]) -> Result<ArgMatches, ConfigError> {
    let first_look = command.clone().ignore_errors(true).try_get_matches_from(arguments)?;
    let Some(path) = file_of(&command, &first_look) else {
        return Ok(command.try_get_matches_from(arguments)?);
    };
    let text =
        std::fs::read_to_string(&path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
    let name = first_look.subcommand_name().unwrap_or_default();
    let (command, origins) = with_defaults(command, name, &path, &text, arguments)?;
    command.try_get_matches_from(arguments).map_err(|error| blame(error, &path, &origins))
}

/// The settings file of this command, if it takes one and there is one.
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
                format!("there is no setting {name:?}: keys are the long names of options, like page-size"),
            ));
        }
        // Of two that exclude each other the one that is typed wins, and two in the file are a mistake.
        let rival = RIVALS.iter().find(|(one, _)| *one == name).map(|(_, other)| *other);
        if let Some(rival) = rival.filter(|rival| table.get_ref().contains_key(*rival)) {
            return Err(bad(at, format!("{name} and {rival} exclude each other")));
        }
        if own && !rival.is_some_and(|rival| is_typed(rival, arguments)) {
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

fn is_typed(long: &str, arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .filter_map(|typed| typed.to_str()?.strip_prefix("--"))
        .any(|typed| typed.split('=').next() == Some(long))
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

/// A value as it would be typed.
fn values(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, &'static str> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Float(number) => Ok(number.to_string()),
        DeValue::Boolean(truth) => Ok(truth.to_string()),
        DeValue::Datetime(time) => Ok(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => Err("a single value or a list of them is expected"),
    };
    match value.get_ref() {
        DeValue::Array(list) => list.iter().map(|value| one(value.get_ref())).collect(),
        value => one(value).map(|text| vec![text]),
    }
}

/// The texts in a settings file by their keys, as far as it can be read: for when the command line cannot.
pub fn text_values(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Ok(table) = DeTable::parse(&text) else { return Vec::new() };
    let values = table.get_ref().iter().filter_map(|(key, value)| match value.get_ref() {
        DeValue::String(value) => Some((key.get_ref().to_string(), value.to_string())),
        _ => None,
    });
    values.collect()
}

/// An error about a value that came from the file names the file.
fn blame(error: clap::Error, path: &Path, origins: &[Origin]) -> ConfigError {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error.into();
    };
    let long = argument.trim_start_matches("--").split([' ', '=']).next().unwrap_or_default();
    let typed =
        std::env::args().any(|typed| typed.strip_prefix("--").is_some_and(|typed| typed.starts_with(long)));
    match origins.iter().find(|origin| origin.long == long && !typed) {
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
        assert_eq!(matches.get_one::<PathBuf>("out"), Some(&PathBuf::from("export")));
        assert!(matches.get_flag("flat"));
        assert_eq!(matches.get_many::<crate::id::Channel>("channel").map(Iterator::count), Some(2));
    }

    #[test]
    fn of_two_that_exclude_each_other_the_typed_one_wins() {
        let both = |matches: &ArgMatches| (matches.contains_id("contacts"), matches.get_flag("all_contacts"));
        let all = "all-contacts = true\nout = 'x'\n";
        let file = "contacts = 'ids.csv'\nout = 'x'\n";
        assert_eq!(both(&parse_with(all, &[]).unwrap()), (false, true));
        assert_eq!(both(&parse_with(all, &["--contacts=y"]).unwrap()), (true, false));
        assert_eq!(both(&parse_with(file, &["--all-contacts"]).unwrap()), (false, true));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let message = |config: &str| {
            let text = parse_with(config, &[]).unwrap_err().to_string();
            text.split_once("settings.toml").map(|(_, rest)| rest.to_owned()).unwrap_or(text)
        };
        insta::assert_snapshot!(message("out = 'x'\npagesize = 3\n"), @r#", line 2: there is no setting "pagesize": keys are the long names of options, like page-size"#);
        insta::assert_snapshot!(message("out = 'x'\ncontacts = 'y'\n\npage-size = 500\n"), @", line 4: invalid value '500' for '--page-size <N>': 500 is not in 1..=100");
        insta::assert_snapshot!(message("contacts = 'x'\nall-contacts = true\n"), @", line 2: all-contacts and contacts exclude each other");
        insta::assert_snapshot!(message("out = \n"), @", line 1: string values must be quoted, expected literal string");
    }
}
