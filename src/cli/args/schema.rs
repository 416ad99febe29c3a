//! The options of `schema`.

use clap::Args;

/// Shown below the help.
pub const EXAMPLES: &str = "\
Examples:
  chatzy-export schema                        the columns with their Arrow types, as JSON
  chatzy-export schema --format json-schema   a JSON Schema of the lines of each table";

/// Print the tables' columns
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// In which language
    #[arg(long, value_name = "FORMAT", default_value = "arrow")]
    pub format: SchemaFormatName,
}

/// The languages of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaFormatName {
    /// Column names and Arrow types
    Arrow,
    /// JSON Schema, draft 2020-12
    JsonSchema,
}
