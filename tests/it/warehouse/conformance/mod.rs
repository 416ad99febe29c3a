//! Every engine that runs scripts of `schema` ends with the same rows, in whatever way an export is loaded.

mod columns;
mod interruption;
mod loads;
pub mod nights;
mod paths;
mod pruned;

use std::path::Path;

use super::databases::Database;
use super::state::State;
use super::{failing, sql, stored};
use crate::support::export::{Export, Outcome};
use nights::Nights;

/// An export and an engine.
struct Case {
    /// An empty database.
    database: Database,
    nights: Nights,
    /// Options of the export.
    layout: &'static str,
    /// The script that creates the tables.
    tables: String,
}

/// A database with the tables.
struct Warehouse<'a> {
    case: &'a Case,
    database: Database,
}

impl Case {
    fn new(database: &Database, layout: &'static str) -> Self {
        let tables = sql(&format!("--format {}", database.dialect()));
        Self { database: database.another(), nights: Nights::of(layout), layout, tables }
    }

    fn warehouse(&self) -> Warehouse<'_> {
        let database = self.database.another();
        database.run(&self.tables, Path::new("/"));
        Warehouse { case: self, database }
    }

    fn told(&self, what: &str) -> String {
        format!("{}, export with {:?}: {what}", self.database.dialect(), self.layout)
    }

    /// The script that loads runs of this export.
    fn merge(&self, export: &Export, options: &str) -> String {
        self.schema(export, &format!("--merge {} {options}", self.database.dialect())).expect(0).stdout
    }

    /// The command `schema` for an export.
    fn schema(&self, export: &Export, arguments: &str) -> Outcome {
        stored::schema(self.database.store(), export.out_path(), arguments)
    }
}

impl Warehouse<'_> {
    /// Queries read the tables, or views if the rows of all runs are in the tables.
    fn prefix(&self) -> &'static str {
        if self.case.tables.contains("latest_messages") { "latest_" } else { "" }
    }

    /// Runs a script of `--merge`.
    fn try_load(&self, options: &str) -> Result<(), String> {
        self.try_script(&self.case.merge(&self.case.nights.export, options))
    }

    fn try_script(&self, script: &str) -> Result<(), String> {
        self.database.try_run(script, Path::new("/")).map(drop)
    }

    fn load(&self, options: &str) {
        self.try_load(options)
            .unwrap_or_else(|error| panic!("{}", self.case.told(&format!("{options}: {error}"))));
    }

    /// True if the coverage of this run is loaded.
    fn has(&self, run: &str) -> bool {
        let count = format!("SELECT count(*) FROM coverage WHERE run_id = '{run}';");
        self.database.run(&count, Path::new("/")) != ["0"]
    }

    /// Fails unless queries find the newest versions of these runs' contacts, and the coverage of all of them.
    fn assert_has(&self, runs: &[&str], what: &str) {
        self.assert_has_of(&self.case.nights, runs, what);
    }

    fn assert_has_of(&self, nights: &Nights, runs: &[&str], what: &str) {
        let (prefix, told) = (self.prefix(), self.case.told(what));
        let read = |prefix: &str| State::within(&self.database, prefix, &nights.kinds);
        if prefix.is_empty() {
            read("").assert_is(&nights.state(runs), &told);
        } else {
            read(prefix).assert_is(&nights.latest(runs), &told);
            read("").only("coverage").assert_is(&nights.state(runs).only("coverage"), &told);
        }
    }
}

/// Loads an export in every way, and exports of other layouts in some.
fn conforms_in_every_way(database: &Database, layout: &'static str, others: &[&'static str]) {
    failing::a_failing_schema_fails_the_session(database);
    let case = Case::new(database, layout);
    common(&case);
    loads::in_any_order(&case);
    loads::tables_of_an_earlier_version(&case);
    interruption::a_load_ends_anywhere(&case);
    in_both_forms(&case, &paths::FOLDERS);
    for layout in others {
        common(&Case::new(database, layout));
    }
}

fn common(case: &Case) {
    columns::every_column_arrives(case);
    loads::night_by_night(case);
    loads::all_at_once(case);
    loads::views_over_all_runs(case);
    interruption::a_file_is_missing(case);
}

/// The same checks with fewer orders, ends and paths. The long form is that of [`conforms_in_every_way`].
fn conforms(database: &Database, layout: &'static str, others: &[&'static str]) {
    failing::a_failing_schema_fails_the_session(database);
    let case = Case::new(database, layout);
    columns::every_column_arrives(&case);
    loads::night_by_night(&case);
    loads::views_over_all_runs(&case);
    interruption::late_and_interrupted(&case);
    in_both_forms(&case, &paths::SOME_FOLDERS);
    for layout in others {
        let case = Case::new(database, layout);
        columns::every_column_arrives(&case);
        loads::all_at_once(&case);
    }
}

/// The checks that the short form makes too.
fn in_both_forms(case: &Case, folders: &[(&str, &str)]) {
    loads::without_loaded_runs(case);
    loads::parts_into_tables_of_their_own(case);
    interruption::a_file_is_another(case);
    interruption::a_file_has_another_contact(case);
    interruption::a_manifest_lacks_files(case);
    pruned::runs_are_removed_before_they_are_loaded(case);
    paths::a_path_is_no_pattern(case, folders);
}

#[test]
fn duckdb_conforms() {
    conforms_in_every_way(
        &Database::duckdb(),
        "--partition-by month,channel",
        &["", "--format jsonl --compression zstd --partition-by month"],
    );
}

#[test]
fn postgres_conforms() {
    if let Some(database) = Database::postgres("postgres_conforms") {
        conforms_in_every_way(
            &database,
            "--format jsonl",
            &["--format jsonl --compression gzip --partition-by month"],
        );
    }
}

/// The other engines take longer, so `make test` has a short form of their checks.
macro_rules! conforming {
    ($short:ident, $long:ident, $database:expr, $layout:expr, $others:expr) => {
        #[test]
        fn $short() {
            if let Some(database) = $database(stringify!($short)) {
                conforms(&database, $layout, &$others);
            }
        }

        #[test]
        #[ignore = "takes minutes: make warehouses"]
        fn $long() {
            if let Some(database) = $database(stringify!($long)) {
                conforms_in_every_way(&database, $layout, &$others);
            }
        }
    };
}

conforming!(
    clickhouse_conforms,
    clickhouse_conforms_in_every_way,
    Database::clickhouse,
    "--partition-by month,channel",
    ["", "--partition-by month"]
);

// fakesnow is DuckDB that takes statements of Snowflake.
conforming!(
    snowflake_conforms,
    snowflake_conforms_in_every_way,
    Database::snowflake,
    "--partition-by month",
    [""]
);

// These have no engine that could be installed.
conforming!(
    bigquery_conforms_as_duckdb,
    bigquery_conforms_as_duckdb_in_every_way,
    |test| Database::emulated("bigquery", test),
    "--partition-by month",
    [""]
);
conforming!(
    redshift_conforms_as_duckdb,
    redshift_conforms_as_duckdb_in_every_way,
    |test| Database::emulated("redshift", test),
    "--partition-by month",
    []
);
conforming!(
    trino_conforms_as_duckdb,
    trino_conforms_as_duckdb_in_every_way,
    |test| Database::emulated("trino", test),
    "--partition-by month,channel",
    [""]
);
conforming!(
    athena_conforms_as_duckdb,
    athena_conforms_as_duckdb_in_every_way,
    |test| Database::emulated("athena", test),
    "--partition-by month,channel",
    []
);

/// A load takes long in Spark, so one account shows the most of it.
#[test]
fn spark_conforms() {
    if let Some(database) = Database::spark("spark_conforms") {
        failing::a_failing_schema_fails_the_session(&database);
        interruption::late_and_interrupted(&Case::new(&database, ""));
    }
}

#[test]
#[ignore = "takes minutes: make warehouses"]
fn spark_conforms_in_every_way() {
    if let Some(database) = Database::spark("spark_conforms_in_every_way") {
        conforms_in_every_way(&database, "--partition-by month,channel", &["", "--partition-by month"]);
    }
}
