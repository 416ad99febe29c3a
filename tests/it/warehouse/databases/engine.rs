//! An engine with its databases.

use std::collections::BTreeMap;
use std::path::Path;

use super::Row;
use crate::support::stores::Kind;

/// An engine that runs until it is dropped.
pub trait Engine: Send + Sync {
    /// Its name on the command line of this program.
    fn dialect(&self) -> &'static str;

    /// The stores that it reads, if it reads no folders.
    fn store(&self) -> Option<Kind> {
        None
    }

    /// Creates a database.
    fn create(&self, database: &str);

    /// Runs a script in a session of its own and in this folder, and reads these tables or views at its end.
    fn run(&self, database: &str, script: &str, tables: &[String], within: &Path) -> Result<Ran, String>;
}

/// The result of a script.
pub struct Ran {
    /// The rows of its last query, with `|` between the cells.
    pub rows: Vec<String>,
    pub tables: BTreeMap<String, Vec<Row>>,
}
