//! Checks of the names in a manifest by DuckDB itself. It reads manifests when a script runs, and other
//! programs may have changed them.
//!
//! The macro `chatzy_is_file` accepts the files of a run by the rules of [`crate::output::ExportPath`] and of
//! the manifest. A test compares both.

use crate::output::manifest::MANIFEST_VERSION;
use crate::output::{EXTENSIONS, RAW};
use crate::table::Table;

/// Condition that a file in a manifest belongs to its run, for rows with `run_id` and `file`.
pub(super) const IS_FILE: &str = r#"chatzy_is_file(run_id, file."table", file.path)"#;

/// The definitions of the macros.
pub(super) fn check() -> String {
    let tables: Vec<_> = Table::ALL.iter().map(|table| table.name()).chain([RAW]).collect();
    let endings: Vec<_> = EXTENSIONS.iter().map(|ending| ending.replace('.', "[.]")).collect();
    format!(
        r"
-- The form of a run's ID, and of the paths of its files.
CREATE OR REPLACE TEMP MACRO chatzy_is_run_id(run_id) AS
    coalesce(regexp_full_match(run_id, '[A-Za-z0-9][A-Za-z0-9_.-]{{0,63}}'), false);
CREATE OR REPLACE TEMP MACRO chatzy_is_file(run_id, table_name, path) AS coalesce(
    chatzy_is_run_id(run_id)
    AND regexp_full_match(path, '({tables})/([a-z_]+=[A-Za-z0-9_.%-]+/)*part-[A-Za-z0-9_.-]+')
    AND starts_with(path, table_name || '/')
    AND starts_with(split_part(path, '/', -1), 'part-' || run_id || '-')
    AND regexp_full_match(
        substr(split_part(path, '/', -1), length(run_id) + 7), '[0-9]{{5,}}(-[0-9]{{5,}})?({endings})'),
    false);
",
        tables = tables.join("|"),
        endings = endings.join("|"),
    )
}

/// The run of a manifest in the file `filename`. It is an error if the manifest has another version, or
/// another run than its folder.
pub(super) fn checked_run_id() -> String {
    format!(
        "CASE WHEN manifest_version IS DISTINCT FROM '{MANIFEST_VERSION}'
        THEN error('the manifest ' || filename || ' has another version than {MANIFEST_VERSION}')
        WHEN chatzy_is_run_id(run_id) AND split_part(filename, '/', -2) = run_id
            AND (previous.run_id IS NULL OR chatzy_is_run_id(previous.run_id)) THEN run_id
        ELSE error('the manifest ' || filename || ' is not that of the run of its folder') END"
    )
}
