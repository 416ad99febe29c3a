//! The command `schema`: explains the columns of the tables, or prints SQL for them.

mod loaded;
pub(super) mod markdown;
mod reader;
mod text;
mod width;

use super::args::{SchemaArgs, SchemaFormatName};
use super::console::{self, eprint};
use super::exit::Exit;
use super::limits;
use crate::catalog::CatalogError;
use crate::table::{SchemaFormat, schema_document};
use crate::warehouse::{self, Dialect, ExportSource, Registry, Runs, SourceError};
use loaded::LoadedError;
pub use reader::Reader;

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
        fail(args, &message);
        return Exit::Storage;
    }
    let text = match (args.merge, args.latest, args.register) {
        (Some(name), ..) => script(args, name.0, Dialect::merge),
        (_, Some(name), _) => script(args, name.0, Dialect::latest),
        (.., Some(name)) => registration(args, name.0),
        _ if args.from.is_some() => {
            let message = "--from requires --merge, --latest or --register; see: chatzy-export schema --help";
            eprint(&format!("error: {message}"));
            fail(args, message);
            return Exit::Usage;
        }
        _ => match description(args.format) {
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
            fail(args, &message);
            match error {
                ScriptError::Source(SourceError::Storage(error)) => Exit::of_storage(&error),
                ScriptError::Source(
                    SourceError::Damaged(CatalogError::Damaged { .. }) | SourceError::FilesMissing { .. },
                ) => Exit::Damaged,
                _ => Exit::Usage,
            }
        }
    }
}

/// Prints a script that fails with the message, for the program that reads the output.
fn fail(args: &SchemaArgs, message: &str) {
    if let Some(reader) = Reader::of(args) {
        reader.fail(message);
    }
}

fn description(format: SchemaFormatName) -> Option<String> {
    let document = match format {
        SchemaFormatName::Text => return Some(text::tables(width::of_stdout())),
        SchemaFormatName::Markdown => return Some(markdown::tables()),
        SchemaFormatName::Arrow => SchemaFormat::Arrow,
        SchemaFormatName::JsonSchema => SchemaFormat::JsonSchema,
        SchemaFormatName::Dbt => return Some(warehouse::dbt_sources()),
        SchemaFormatName::Sql(dialect) => return Some(dialect.tables()),
    };
    serde_json::to_string_pretty(&schema_document(document)).ok()
}

fn script(
    args: &SchemaArgs,
    dialect: &Dialect,
    write: fn(&Dialect, Option<&ExportSource>) -> Result<String, SourceError>,
) -> Result<String, ScriptError> {
    if args.loaded.is_some() && dialect.knows_loaded_runs() {
        return Err(ScriptError::KnowsLoaded { dialect: dialect.name });
    }
    let source = source(args)?;
    Ok(write(dialect, source.as_ref())?)
}

fn registration(args: &SchemaArgs, registry: &Registry) -> Result<String, ScriptError> {
    // The option requires --from.
    Ok(source(args)?.map_or_else(|| Ok(String::new()), |source| registry.script(&source))?)
}

/// Reads the manifests of the runs to be loaded, if an export is given.
fn source(args: &SchemaArgs) -> Result<Option<ExportSource>, ScriptError> {
    let runs = match &args.run {
        None => Runs::Whole,
        Some(run) if args.partial => Runs::OnePart(run.clone()),
        Some(run) => Runs::One(run.clone()),
    };
    let loaded = args.loaded.as_deref().map(loaded::read).transpose()?;
    let mut source = args.from.as_ref().map(|path| ExportSource::read(path, &runs)).transpose()?;
    if let (Some(source), Some(loaded)) = (&mut source, &loaded) {
        source.leave_out(loaded);
    }
    Ok(source)
}
