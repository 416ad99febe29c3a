//! The files of runs as lists, by table and channel, with the number of rows they hold.

use std::collections::BTreeMap;

use crate::output::manifest::Manifest;
use crate::table::{Column, Table};

/// The files of one table of one run.
pub(super) struct TableFiles<'a> {
    pub(super) table: Table,
    /// Number of rows in all files, from the manifest.
    pub(super) rows: u64,
    /// Files that hold the same columns.
    pub(super) groups: Vec<FileGroup<'a>>,
}

/// Files of one table of one run that hold the same columns.
pub(super) struct FileGroup<'a> {
    pub(super) table: Table,
    pub(super) channel: Channel<'a>,
    /// Paths relative to the export.
    pub(super) paths: Vec<&'a str>,
}

/// Where the channel of a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel<'a> {
    /// In a column of the files.
    InFiles,
    /// All rows of the files have this one, which is only in their paths.
    Same(Option<&'a str>),
}

impl FileGroup<'_> {
    /// True if the files contain the column.
    pub(super) fn has(&self, column: &Column) -> bool {
        column.name != "channel" || self.channel == Channel::InFiles
    }
}

/// Returns the files of each table of a run, `coverage` last. Tables without files are not there.
pub(super) fn of_run(manifest: &Manifest) -> Vec<TableFiles<'_>> {
    Table::ALL.into_iter().filter_map(|table| of_table(manifest, table)).collect()
}

fn of_table(manifest: &Manifest, table: Table) -> Option<TableFiles<'_>> {
    let mut by_channel: BTreeMap<Channel<'_>, Vec<&str>> = BTreeMap::new();
    let mut rows = 0;
    for file in manifest.files.iter().filter(|file| file.table == table.name()) {
        let of_path = file.partition.iter().find(|(key, _)| key == "channel");
        let channel = of_path.map_or(Channel::InFiles, |(_, value)| Channel::Same(value.as_deref()));
        by_channel.entry(channel).or_default().push(&file.path);
        rows += file.rows;
    }
    let group = |(channel, paths)| FileGroup { table, channel, paths };
    let groups: Vec<_> = by_channel.into_iter().map(group).collect();
    (!groups.is_empty()).then_some(TableFiles { table, rows, groups })
}
