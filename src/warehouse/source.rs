//! The export that a script reads.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::SourceError;
use super::location::Location;
use crate::catalog::{self, CatalogError, RunReader};
use crate::id::RunId;
use crate::output::Layout;
use crate::output::manifest::Manifest;
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
    pub(super) is_remote: bool,
    /// The folder or URL in parts.
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
