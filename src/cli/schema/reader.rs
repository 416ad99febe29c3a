//! The program that runs the output of `schema`.

use std::ffi::{OsStr, OsString};

use clap::ValueEnum;

use crate::cli::args::{DialectName, RegistryName, SchemaArgs, SchemaFormatName};
use crate::cli::console;
use crate::cli::partial_args::argument;
use crate::warehouse::{Dialect, Registry};

/// A program that runs the output. Other outputs are only read.
#[derive(Clone, Copy)]
pub enum Reader {
    /// A database.
    Database(&'static Dialect),
    /// A program that writes to the catalog of a table format.
    Catalog(&'static Registry),
}

impl Reader {
    /// Returns the reader that the options select.
    pub fn of(args: &SchemaArgs) -> Option<Self> {
        let of_format = match args.format {
            SchemaFormatName::Sql(dialect) => Some(dialect),
            _ => None,
        };
        let dialect = args.merge.or(args.latest).map(|name| name.0).or(of_format);
        args.register.map(|name| Self::Catalog(name.0)).or(dialect.map(Self::Database))
    }

    /// Returns the reader in arguments that may be invalid, from the first of these options.
    pub fn in_arguments(arguments: &[OsString]) -> Option<Self> {
        if let Some(name) = argument(arguments, "--register") {
            return value::<RegistryName>(&name).map(|name| Self::Catalog(name.0));
        }
        let named =
            ["--merge", "--latest", "--format"].iter().find_map(|option| argument(arguments, option))?;
        value::<DialectName>(&named).map(|name| Self::Database(name.0))
    }

    /// Prints a script that fails with the message.
    ///
    /// The reader sees neither stderr nor the exit code. To it, an empty output is a successful script.
    pub fn fail(self, message: &str) {
        let message = console::escape(message);
        let script = match self {
            Self::Database(dialect) => dialect.failing(&message),
            Self::Catalog(registry) => registry.failing(&message),
        };
        // A closed stdout does not change the exit code.
        let _ = console::print(script.trim_end());
    }
}

fn value<V: ValueEnum>(text: &OsStr) -> Option<V> {
    V::from_str(text.to_str()?, false).ok()
}
