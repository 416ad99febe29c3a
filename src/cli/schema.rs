//! `schema`: the tables' columns.

use super::args::{SchemaArgs, SchemaFormatName};
use super::console;
use super::exit::Exit;
use crate::table::{SchemaFormat, schema_document};

/// Prints the schema.
pub fn schema(args: &SchemaArgs) -> Exit {
    let format = match args.format {
        SchemaFormatName::Arrow => SchemaFormat::Arrow,
        SchemaFormatName::JsonSchema => SchemaFormat::JsonSchema,
    };
    match serde_json::to_string_pretty(&schema_document(format)) {
        Ok(text) if console::print(&text) => Exit::Complete,
        Ok(_) => Exit::Storage,
        Err(_) => Exit::Bug,
    }
}
