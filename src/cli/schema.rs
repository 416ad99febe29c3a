//! `schema`: the tables' columns, and SQL for them.

use super::args::{DialectName, SchemaArgs, SchemaFormatName};
use super::console::{self, tell};
use super::exit::Exit;
use crate::table::{SchemaFormat, schema_document};
use crate::warehouse::{self, Dialect, ExportSource, SourceError};

/// Prints the schema.
pub fn schema(args: &SchemaArgs) -> Exit {
    let text = match (args.merge, args.latest) {
        (Some(dialect), _) => script(args, dialect, warehouse::merge),
        (None, Some(dialect)) => script(args, dialect, warehouse::latest),
        (None, None) if args.from.is_some() => {
            tell("error: --from is for --merge and --latest; see: chatzy-export schema --help");
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
            tell(&format!("error: {}", console::chain(&error)));
            if matches!(error, SourceError::Storage(_)) { Exit::Storage } else { Exit::Usage }
        }
    }
}

fn description(format: SchemaFormatName) -> Option<String> {
    let document = match format {
        SchemaFormatName::Arrow => SchemaFormat::Arrow,
        SchemaFormatName::JsonSchema => SchemaFormat::JsonSchema,
        SchemaFormatName::Duckdb => return Some(warehouse::create_tables(Dialect::DuckDb)),
        SchemaFormatName::Postgres => return Some(warehouse::create_tables(Dialect::Postgres)),
    };
    serde_json::to_string_pretty(&schema_document(document)).ok()
}

fn script(
    args: &SchemaArgs,
    dialect: DialectName,
    write: fn(Dialect, Option<&ExportSource>) -> String,
) -> Result<String, SourceError> {
    let source = args.from.as_ref().map(|path| ExportSource::read(path, args.run.clone())).transpose()?;
    let source = match dialect {
        DialectName::Duckdb => source,
        DialectName::Postgres => source.map(ExportSource::as_lines).transpose()?,
    };
    Ok(write(dialect.into(), source.as_ref()))
}
