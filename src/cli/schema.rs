//! The command `schema`: explains the columns of the tables, or prints SQL for them.

mod loaded;
pub(super) mod markdown;
mod text;
mod width;

use std::ffi::OsString;

use super::args::{DialectName, SchemaArgs, SchemaFormatName};
use super::console::{self, eprint};
use super::exit::Exit;
use super::limits;
use super::partial_args::argument;
use crate::catalog::CatalogError;
use crate::table::{SchemaFormat, schema_document};
use crate::warehouse::{Dialect, ExportSource, Runs, SourceError};
use loaded::LoadedError;

/// Reason why no script can be written.
#[derive(Debug, thiserror::Error)]
enum ScriptError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Loaded(#[from] LoadedError),
    /// The option is of no use.
    #[error(
        "--loaded is for databases that cannot skip files: leave it away, since the SQL for {dialect} finds the loaded runs itself"
    )]
    KnowsLoaded { dialect: &'static str },
}

/// Runs the command `schema`.
pub fn schema(args: &SchemaArgs) -> Exit {
    if let Err(error) = limits::check_memory() {
        let message = error.to_string();
        eprint(&format!("error: {message}"));
        fail_session(dialect(args), &message);
        return Exit::Storage;
    }
    let text = match (args.merge, args.latest) {
        (Some(name), _) => script(args, name.0, Dialect::merge),
        (None, Some(name)) => script(args, name.0, Dialect::latest),
        (None, None) if args.from.is_some() => {
            let message = "--from requires --merge or --latest; see: chatzy-export schema --help";
            eprint(&format!("error: {message}"));
            fail_session(dialect(args), message);
            return Exit::Usage;
        }
        (None, None) => match description(args.format) {
            Some(text) => Ok(text),
            None => return Exit::Bug,
        },
    };
    match text {
        Ok(text) if console::print(text.trim_end()) => Exit::Complete,
        Ok(_) => Exit::Storage,
        Err(error) => {
            let message = console::chain(&error);
            eprint(&format!("error: {message}"));
            fail_session(dialect(args), &message);
            match error {
                ScriptError::Source(SourceError::Storage(error)) => Exit::of_storage(&error),
                ScriptError::Source(SourceError::Damaged(CatalogError::Damaged { .. })) => Exit::Damaged,
                _ => Exit::Usage,
            }
        }
    }
}

/// Returns the dialect that the options select.
fn dialect(args: &SchemaArgs) -> Option<&'static Dialect> {
    let of_format = match args.format {
        SchemaFormatName::Sql(dialect) => Some(dialect),
        _ => None,
    };
    args.merge.or(args.latest).map(|name| name.0).or(of_format)
}

/// Prints SQL that fails with the message.
///
/// A database that reads this output sees neither stderr nor the exit code. To it, an empty output is a
/// successful script.
pub fn fail_session(dialect: Option<&Dialect>, message: &str) {
    if let Some(dialect) = dialect {
        // A closed stdout does not change the exit code.
        let _ = console::print(dialect.failing(&console::escape(message)).trim_end());
    }
}

/// Returns the dialect in arguments that may be invalid, from the first of these options.
pub fn dialect_in(arguments: &[OsString]) -> Option<&'static Dialect> {
    let named = ["--merge", "--latest", "--format"].iter().find_map(|option| argument(arguments, option))?;
    <DialectName as clap::ValueEnum>::from_str(named.to_str()?, false).ok().map(|name| name.0)
}

fn description(format: SchemaFormatName) -> Option<String> {
    let document = match format {
        SchemaFormatName::Text => return Some(text::tables(width::of_stdout())),
        SchemaFormatName::Markdown => return Some(markdown::tables()),
        SchemaFormatName::Arrow => SchemaFormat::Arrow,
        SchemaFormatName::JsonSchema => SchemaFormat::JsonSchema,
        SchemaFormatName::Sql(dialect) => return Some(dialect.tables()),
    };
    serde_json::to_string_pretty(&schema_document(document)).ok()
}

fn script(
    args: &SchemaArgs,
    dialect: &Dialect,
    write: fn(&Dialect, Option<&ExportSource>) -> Result<String, SourceError>,
) -> Result<String, ScriptError> {
    let runs = match &args.run {
        None => Runs::Whole,
        Some(run) if args.partial => Runs::OnePart(run.clone()),
        Some(run) => Runs::One(run.clone()),
    };
    if args.loaded.is_some() && dialect.knows_loaded_runs() {
        return Err(ScriptError::KnowsLoaded { dialect: dialect.name });
    }
    let loaded = args.loaded.as_deref().map(loaded::read).transpose()?;
    let mut source = args.from.as_ref().map(|path| ExportSource::read(path, &runs)).transpose()?;
    if let (Some(source), Some(loaded)) = (&mut source, &loaded) {
        source.leave_out(loaded);
    }
    Ok(write(dialect, source.as_ref())?)
}
