//! The export that a script reads.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::is_jsonl;
use super::location::Location;
use crate::catalog::{self, CatalogError, RunReader};
use crate::durable::StorageError;
use crate::id::RunId;
use crate::output::manifest::{FileEntry, Manifest};
use crate::output::{Layout, RAW};
use crate::store::Store;
use crate::table::Table;
use crate::time::parse_time;

/// The runs that a script reads.
#[derive(Clone, Debug)]
pub enum Runs {
    /// All runs with whole contacts.
    Whole,
    /// This run, which must have whole contacts.
    One(RunId),
    /// This run, even if it has only parts of contacts.
    OnePart(RunId),
}

/// An export and its runs.
pub struct ExportSource {
    /// Path of the folder, as the database receives it.
    pub(super) path: String,
    /// True if the export is in an object store.
    is_remote: bool,
    pub(super) location: Location,
    /// The selected run; `None` for all.
    pub(super) run: Option<RunId>,
    /// True if the run to be loaded has only parts of contacts.
    pub(super) is_part: bool,
    /// Manifests of the runs to be loaded.
    pub(super) manifests: Vec<Manifest>,
    /// Runs that are not loaded, and the options that limit them to parts of contacts.
    pub(super) left_out: Vec<(RunId, Vec<&'static str>)>,
    /// Runs that are not loaded, because the database has them.
    loaded: Vec<RunId>,
    /// All runs that the export has.
    there: Vec<RunId>,
    /// All known runs, including pruned ones.
    pub(super) links: Vec<Link>,
}

/// A run and its predecessor.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) run_id: RunId,
    pub(super) previous: Option<RunId>,
    /// Start of the run, in microseconds since 1970; unknown for pruned runs.
    pub(super) exported_at: Option<i64>,
    pub(super) is_part: bool,
}

/// Reason why no script can be written for an export.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The export has no published run.
    #[error("{path} has no published run: give the folder that --out of the run named")]
    NoRun {
        /// Path of the export.
        path: String,
    },
    /// The export has no run with this ID.
    #[error("{path} has no run {run}")]
    NoSuchRun {
        /// Path of the export.
        path: String,
        /// ID of the run.
        run: RunId,
    },
    /// All runs have only parts of contacts.
    #[error(
        "all runs in {path} have only parts of contacts (--since, --until or --channel): load one of them into separate tables with --run ID --partial, or export whole contacts"
    )]
    OnlyParts {
        /// Path of the export.
        path: String,
    },
    /// The selected run has only parts of contacts.
    #[error(
        "the run {run} has only parts of contacts ({}), which would replace whole ones: load it into separate tables with --partial",
        options.join(", ")
    )]
    Part {
        /// ID of the run.
        run: RunId,
        /// Options that limit the run.
        options: Vec<&'static str>,
    },
    /// A manifest does not name all files of a table.
    #[error(
        "the manifest of the run {run} counts {rows} rows of {table}, but its files have {in_files}: run chatzy-export verify"
    )]
    FilesMissing {
        /// ID of the run.
        run: RunId,
        /// Name of the table.
        table: &'static str,
        /// Number of rows of the table.
        rows: u64,
        /// Number of rows in the files.
        in_files: u64,
    },
    /// The path cannot be written in a script.
    #[error("the path of the export contains line ends or is not UTF-8: rename it")]
    BadPath,
    /// A manifest or another record is damaged.
    #[error("the export is damaged: run chatzy-export verify")]
    Damaged(#[source] CatalogError),
    /// A file operation failed.
    #[error(transparent)]
    Storage(StorageError),
    /// The run is JSONL, but the load reads only Parquet.
    #[error(
        "the run {run} is JSONL, but a load into {title} reads Parquet: make Parquet of it with chatzy-export snapshot --format parquet, export with --format parquet, or select another run with --run"
    )]
    NotParquet {
        /// ID of the run.
        run: RunId,
        /// Name of the database.
        title: &'static str,
    },
    /// The files do not contain the channel, and the load does not see their paths.
    #[error(
        "the run {run} is partitioned by channel, so its files do not contain the channel, and {title} does not read it from paths: make files that contain it with chatzy-export snapshot, export without this partition key, or select another run with --run"
    )]
    ChannelInPath {
        /// ID of the run.
        run: RunId,
        /// Name of the database.
        title: &'static str,
    },
    /// The path has characters that the database does not take literally.
    #[error(
        "{title} does not take the characters {characters} in paths literally: rename or copy the export, and give its new path"
    )]
    OddPath {
        /// Name of the database.
        title: &'static str,
        /// The characters.
        characters: &'static str,
    },
    /// Programs disagree on such URLs.
    #[error(
        "{title} has no names for files in {path}: copy the export to s3:// or gs://, or to a folder, and give its new path"
    )]
    NoName {
        /// Name of the table format.
        title: &'static str,
        /// URL of the export.
        path: String,
    },
    /// The URL does not name the storage account, nor does the environment.
    #[error("the storage account of the export is not known: set AZURE_STORAGE_ACCOUNT_NAME")]
    NoAccount,
    /// The database does not read from there.
    #[error("{title} cannot read {path}: copy the export to {target}, and give its path or URL there")]
    Unreachable {
        /// Name of the database.
        title: &'static str,
        /// Path or URL of the export.
        path: String,
        /// Storage that the database can read.
        target: &'static str,
    },
    /// The export has more files than the database takes in a statement or script.
    #[error(
        "{title} takes {part} of at most {max} bytes, but this export needs {length}: load some runs at a time with --run ID or --loaded FILE, or make fewer files with chatzy-export snapshot"
    )]
    TooLong {
        /// Name of the database.
        title: &'static str,
        /// The kind of text.
        part: &'static str,
        /// Maximum number of bytes.
        max: usize,
        /// Number of bytes of the longest one.
        length: usize,
    },
    /// The script cannot be written without an export.
    #[error("the SQL for {title} names the files of an export: add --from PATH")]
    NoExport {
        /// Name of the database.
        title: &'static str,
    },
}

impl From<CatalogError> for SourceError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Storage(error) => Self::Storage(error),
            error => Self::Damaged(error),
        }
    }
}

impl ExportSource {
    /// Reads the manifests of the export at `path`.
    ///
    /// # Errors
    /// If there is none, one is damaged, or the runs to be loaded have only parts of contacts.
    pub fn read(path: &Store, runs: &Runs) -> Result<Self, SourceError> {
        let text = path.root().to_str().filter(|text| !text.contains(char::is_control));
        let text = text.ok_or(SourceError::BadPath)?.to_owned();
        let all = manifests(path)?;
        if all.is_empty() {
            return Err(SourceError::NoRun { path: text });
        }
        all.iter().try_for_each(names_all_files)?;
        let mut source = Self {
            links: links(path, &all)?,
            path: as_folder(&text),
            is_remote: path.folder().is_none(),
            location: Location::parse(&text, |name| std::env::var(name).ok()),
            run: None,
            is_part: false,
            manifests: Vec::new(),
            left_out: Vec::new(),
            loaded: Vec::new(),
            there: all.iter().map(|manifest| manifest.run_id.clone()).collect(),
        };
        match runs {
            Runs::Whole => {
                let (whole, parts) =
                    all.into_iter().partition(|manifest| manifest.options.limits().is_empty());
                let left_out = |part: Manifest| (part.run_id.clone(), part.options.limits());
                source.manifests = whole;
                source.left_out = Vec::into_iter(parts).map(left_out).collect();
                if source.manifests.is_empty() {
                    return Err(SourceError::OnlyParts { path: text });
                }
            }
            Runs::One(run) | Runs::OnePart(run) => {
                source.manifests = all.into_iter().filter(|manifest| manifest.run_id == *run).collect();
                source.run = Some(run.clone());
                let Some(manifest) = source.manifests.first() else {
                    return Err(SourceError::NoSuchRun { path: text, run: run.clone() });
                };
                let options = manifest.options.limits();
                source.is_part = !options.is_empty();
                if source.is_part && matches!(runs, Runs::One(_)) {
                    return Err(SourceError::Part { run: run.clone(), options });
                }
            }
        }
        Ok(source)
    }

    /// True if `psql` can copy the files of a run by itself: lines on its machine, with all columns.
    pub(super) fn has_plain_lines(&self, manifest: &Manifest) -> bool {
        !self.is_remote && is_jsonl(manifest) && !is_by_channel(manifest)
    }

    /// An export without files.
    #[cfg(test)]
    pub(super) fn of_test(
        root: &str,
        location: Location,
        links: Vec<Link>,
        manifests: Vec<Manifest>,
    ) -> Self {
        Self {
            path: root.to_owned(),
            is_remote: !matches!(location, Location::Local(_)),
            location,
            run: None,
            is_part: false,
            there: manifests.iter().map(|manifest| manifest.run_id.clone()).collect(),
            manifests,
            left_out: Vec::new(),
            loaded: Vec::new(),
            links,
        }
    }

    /// Leaves out the runs that the database has already.
    pub fn leave_out(&mut self, loaded: &BTreeSet<RunId>) {
        let is_loaded = |manifest: &Manifest| loaded.contains(&manifest.run_id);
        let (here, new) = std::mem::take(&mut self.manifests).into_iter().partition(is_loaded);
        self.manifests = new;
        self.loaded = Vec::into_iter(here).map(|manifest| manifest.run_id).collect();
    }

    /// Checks that all files of tables are Parquet, for a database with this name.
    ///
    /// # Errors
    /// If some are not.
    pub(super) fn is_parquet(&self, title: &'static str) -> Result<(), SourceError> {
        let is_other = |file: &&FileEntry| file.table != RAW && !file.path.ends_with(".parquet");
        match self.manifests.iter().find(|manifest| manifest.files.iter().any(|file| is_other(&file))) {
            Some(manifest) => Err(SourceError::NotParquet { run: manifest.run_id.clone(), title }),
            None => Ok(()),
        }
    }

    /// Checks that the storage account is known, if the export is in one.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn has_account(&self) -> Result<(), SourceError> {
        match &self.location {
            Location::Az { account: None, .. } => Err(SourceError::NoAccount),
            _ => Ok(()),
        }
    }

    /// Checks that the files contain the channel, for a database with this name.
    ///
    /// # Errors
    /// If it is only in their paths.
    pub(super) fn has_channel(&self, title: &'static str) -> Result<(), SourceError> {
        match self.manifests.iter().find(|manifest| is_by_channel(manifest)) {
            Some(manifest) => Err(SourceError::ChannelInPath { run: manifest.run_id.clone(), title }),
            None => Ok(()),
        }
    }

    /// Returns the refusal of a database with this name that reads only from another storage.
    pub(super) fn unreachable(&self, title: &'static str, target: &'static str) -> SourceError {
        SourceError::Unreachable { title, path: self.path.clone(), target }
    }

    /// True if plain queries over the files find the newest run of a contact. This requires that all runs are
    /// whole, have the same layout, and began in the order of their chain.
    pub fn is_ordered_by_time(&self) -> bool {
        let layout = |manifest: &Manifest| Layout::of(&manifest.options);
        self.left_out.is_empty()
            && self.manifests.windows(2).all(|pair| layout(&pair[0]) == layout(&pair[1]))
            && self.links.iter().all(|link| {
                self.began_before(link).is_none_or(|before| link.exported_at.is_none_or(|at| at > before))
            })
    }

    /// Returns the start of the closest earlier run with a known start.
    fn began_before(&self, link: &Link) -> Option<i64> {
        let mut link = link;
        for _ in &self.links {
            let previous = link.previous.as_ref()?;
            link = self.links.iter().find(|link| link.run_id == *previous)?;
            if link.exported_at.is_some() {
                return link.exported_at;
            }
        }
        None
    }

    /// Returns the runs that the export has, but that are not loaded.
    pub(super) fn others(&self) -> impl Iterator<Item = &RunId> {
        let is_selected = |run: &RunId| self.manifests.iter().any(|manifest| manifest.run_id == *run);
        self.there.iter().filter(move |run| !is_selected(run))
    }

    /// Returns comments that name the runs that are left out, and the number of loaded ones.
    pub(super) fn left_out(&self) -> String {
        let line = |(run, options): &(RunId, Vec<&str>)| {
            format!("-- Left out, since it holds only parts of contacts: {run} ({})\n", options.join(", "))
        };
        let mut sql: String = self.left_out.iter().map(line).collect();
        if !self.loaded.is_empty() {
            // Writing to a string cannot fail.
            let _ =
                writeln!(sql, "-- Left out, since the list of --loaded has them: {} runs", self.loaded.len());
        }
        sql
    }
}

/// Checks that the files in a manifest have all rows of the tables.
fn names_all_files(manifest: &Manifest) -> Result<(), SourceError> {
    for (table, entry) in
        Table::ALL.into_iter().filter_map(|t| Some((t.name(), manifest.tables.get(t.name())?)))
    {
        let in_files = manifest.files.iter().filter(|file| file.table == table).map(|file| file.rows).sum();
        if entry.rows != in_files {
            let run = manifest.run_id.clone();
            return Err(SourceError::FilesMissing { run, table, rows: entry.rows, in_files });
        }
    }
    Ok(())
}

fn is_by_channel(manifest: &Manifest) -> bool {
    manifest.files.iter().flat_map(|file| &file.partition).any(|(key, _)| key == "channel")
}

/// Returns the path in a form that programs do not read as an option or as a home directory.
fn as_folder(path: &str) -> String {
    if path.starts_with(['-', '~']) { format!("./{path}") } else { path.to_owned() }
}

fn manifests(path: &Store) -> Result<Vec<Manifest>, CatalogError> {
    let mut manifests = Vec::new();
    let reader = RunReader::new(path)?;
    for run_id in catalog::run_ids_with_links(path)? {
        manifests.extend(reader.run(&run_id)?.map(|run| run.manifest));
    }
    manifests.sort_by(|one, other| one.finished_at.cmp(&other.finished_at));
    Ok(manifests)
}

fn links(path: &Store, manifests: &[Manifest]) -> Result<Vec<Link>, CatalogError> {
    let of_run = |manifest: &Manifest| Link {
        run_id: manifest.run_id.clone(),
        previous: manifest.previous.as_ref().map(|previous| previous.run_id.clone()),
        exported_at: parse_time(&manifest.started_at),
        is_part: !manifest.options.limits().is_empty(),
    };
    let mut links: Vec<_> = manifests.iter().map(of_run).collect();
    links.extend(catalog::pruned_runs(path)?.pruned.into_iter().map(|run| Link {
        run_id: run.run_id,
        previous: run.previous.map(|previous| previous.run_id),
        exported_at: None,
        is_part: false,
    }));
    Ok(links)
}
