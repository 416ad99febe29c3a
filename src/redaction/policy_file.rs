//! Reads a policy from TOML. Errors name the file, the line and the key.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::find::{Border, Class, Kind as Found, Names, Patterns, Wanted};
use super::fold::fold;
use super::policy::{Action, Policy};
use super::replacement::Replacement;
use crate::digest::sha256;
use crate::table::Table;

/// Most bytes of a policy or a list of words.
const MAX_BYTES: u64 = 16 << 20;

/// Kinds of `[detect]`.
const KINDS: [&str; 7] = ["known", "email", "phone", "card", "iban", "ip", "url_query"];

/// A policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The policy or its list of words has a mistake.
    #[error("{}, line {line}: {what}", path.display())]
    Bad {
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        what: String,
    },
}

/// A policy without its list of words.
struct Draft {
    actions: BTreeMap<(Table, &'static str), Action>,
    kinds: Vec<String>,
    /// The list of words, relative to the policy.
    words: Option<String>,
    replacement: Replacement,
}

/// A mistake and its bytes in the policy.
type Mistake = (Range<usize>, String);

pub(super) fn read(path: &Path) -> Result<Policy, PolicyError> {
    let text = read_text(path)?;
    let bad = |(at, what): Mistake| {
        let line = text.get(..at.start).unwrap_or_default().matches('\n').count() + 1;
        PolicyError::Bad { path: path.to_owned(), line, what }
    };
    let draft = parse(&text).map_err(bad)?;
    let (mut words, mut words_sha256) = (Names::default(), None);
    if let Some(name) = &draft.words {
        let file = path.parent().unwrap_or(Path::new("")).join(name);
        let list = read_text(&file)?;
        words = Names::new(wanted(&list, &file)?);
        words_sha256 = Some(sha256(&list));
    }
    let has = |kind: &str| draft.kinds.iter().any(|named| named == kind);
    Ok(Policy {
        sha256: sha256(&text),
        words_sha256,
        known: has("known"),
        patterns: Patterns {
            email: has("email"),
            phone: has("phone"),
            card: has("card"),
            iban: has("iban"),
            ip: has("ip"),
            url_query: has("url_query"),
        },
        actions: draft.actions,
        words,
        replacement: draft.replacement,
    })
}

fn read_text(path: &Path) -> Result<String, PolicyError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    let failed = |source| PolicyError::Read { path: path.to_owned(), source };
    read.map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(failed(io::Error::other("it has more than 16 MiB")));
    }
    let text = String::from_utf8(bytes).map_err(|_| failed(io::Error::other("it is not UTF-8")))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Returns the words of a list, one word or phrase a line. Lines that begin with `#` are comments.
fn wanted(list: &str, path: &Path) -> Result<Vec<(String, Wanted)>, PolicyError> {
    let mut words = Vec::new();
    for (index, line) in list.lines().enumerate() {
        let word = line.trim();
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        let folded = fold(word);
        if !folded.contains(char::is_alphanumeric) {
            let what = "the line has no letter or digit to search for".to_owned();
            return Err(PolicyError::Bad { path: path.to_owned(), line: index + 1, what });
        }
        let (class, value) = (Class::Id, word.to_lowercase());
        words.push((folded, Wanted { kind: Found::Word, class, value, border: Border::Word }));
    }
    Ok(words)
}

fn parse(text: &str) -> Result<Draft, Mistake> {
    let root =
        DeTable::parse(text).map_err(|error| (error.span().unwrap_or(0..0), error.message().to_owned()))?;
    let mut rules = Rules::default();
    let mut detect = Detect::default();
    for (key, value) in root.get_ref() {
        let table = value.get_ref().as_table().ok_or_else(|| (key.span(), "must be a table".to_owned()));
        match key.get_ref().as_ref() {
            "columns" => rules.read(table?)?,
            "detect" => detect.read(table?)?,
            other => return Err((key.span(), format!("unknown key {other:?}; use [columns] and [detect]"))),
        }
    }
    let kinds = detect.kinds.unwrap_or_else(|| KINDS.map(str::to_owned).to_vec());
    let replacement = match detect.replacement {
        Some(replacement) => replacement,
        None => Replacement::parse("[{kind}]").map_err(|what| (0..0, what))?,
    };
    Ok(Draft { actions: rules.actions(), kinds, words: detect.words, replacement })
}

/// The table `[columns]`.
#[derive(Default)]
struct Rules {
    default: Option<Action>,
    /// Actions by the name of a table or `*`, and that of a column or `*`.
    named: BTreeMap<(String, String), Action>,
}

impl Rules {
    fn read(&mut self, table: &DeTable<'_>) -> Result<(), Mistake> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match (value.get_ref(), name.split_once('.')) {
                // `messages.content = "keep"` without quotes is a table in a table.
                (DeValue::Table(inner), None) => {
                    for (column, value) in inner {
                        self.add(name, column.get_ref().as_ref(), column.span(), value)?;
                    }
                }
                (_, None) if name == "default" => {
                    let action = action(name, key.span(), value)?;
                    if !matches!(action, Action::Drop | Action::Keep) {
                        return Err((key.span(), "default: use \"drop\" or \"keep\"".to_owned()));
                    }
                    self.default = Some(action);
                }
                (_, Some((table, column))) => self.add(table, column, key.span(), value)?,
                (_, None) => {
                    let what =
                        format!("unknown key {name:?}; use \"table.column\", \"*.column\" or \"table.*\"");
                    return Err((key.span(), what));
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        table: &str,
        column: &str,
        at: Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), Mistake> {
        let key = format!("{table}.{column}");
        let action = action(&key, at.clone(), value)?;
        let named = |known: &Table| table == "*" || known.name() == table;
        if !Table::ALL.iter().any(named) {
            let tables = Table::ALL.map(Table::name).join(", ");
            return Err((at, format!("{key}: unknown table; the tables are {tables}")));
        }
        if table == "*" && column == "*" {
            return Err((at, "\"*.*\" is every column; use default".to_owned()));
        }
        let tables = Table::ALL.into_iter().filter(named);
        let mut columns =
            tables.flat_map(Table::columns).filter(|known| column == "*" || known.name == column);
        let Some(first) = columns.next() else {
            let of = if table == "*" { "any table".to_owned() } else { format!("the table {table}") };
            return Err((at, format!("{key}: unknown column of {of}")));
        };
        if let Some(other) = std::iter::once(first).chain(columns).find(|column| !action.fits(column.kind)) {
            let fitting = Action::ALL.into_iter().filter(|action| action.fits(other.kind)).map(Action::name);
            let fitting = fitting.collect::<Vec<_>>().join(", ");
            let (action, name, kind) = (action.name(), other.name, other.kind.word());
            return Err((
                at,
                format!("{key}: {action} does not fit {name}, which is of type {kind}; use {fitting}"),
            ));
        }
        if self.named.insert((table.to_owned(), column.to_owned()), action).is_some() {
            return Err((at, format!("{key} is there twice")));
        }
        Ok(())
    }

    /// Returns the action of each column. The most exact key wins.
    fn actions(&self) -> BTreeMap<(Table, &'static str), Action> {
        let mut actions = BTreeMap::new();
        for table in Table::ALL {
            for column in table.columns() {
                let keys = [(table.name(), column.name), ("*", column.name), (table.name(), "*")];
                let keys = keys.map(|(table, column)| (table.to_owned(), column.to_owned()));
                let named = keys.iter().find_map(|key| self.named.get(key));
                let action = named.copied().or(self.default).unwrap_or(Action::Drop);
                actions.insert((table, column.name), action);
            }
        }
        actions
    }
}

fn action(key: &str, at: Range<usize>, value: &Spanned<DeValue<'_>>) -> Result<Action, Mistake> {
    let name = value.get_ref().as_str().unwrap_or("that is not a text");
    let known = Action::ALL.into_iter().find(|action| action.name() == name);
    known.ok_or_else(|| {
        let all = Action::ALL.map(Action::name).join(", ");
        (at, format!("{key}: unknown action {name}; the actions are {all}"))
    })
}

/// The table `[detect]`.
#[derive(Default)]
struct Detect {
    kinds: Option<Vec<String>>,
    words: Option<String>,
    replacement: Option<Replacement>,
}

impl Detect {
    fn read(&mut self, table: &DeTable<'_>) -> Result<(), Mistake> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let text = || {
                let text = value.get_ref().as_str();
                text.ok_or_else(|| (key.span(), format!("{name} must be a text")))
            };
            match name {
                "kinds" => self.kinds = Some(kinds(key.span(), value)?),
                "words" => self.words = Some(text()?.to_owned()),
                "replace" => {
                    let read = Replacement::parse(text()?);
                    self.replacement = Some(read.map_err(|what| (key.span(), format!("replace: {what}")))?);
                }
                _ => return Err((key.span(), format!("unknown key {name:?}; use kinds, words and replace"))),
            }
        }
        Ok(())
    }
}

fn kinds(at: Range<usize>, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Mistake> {
    let list = value.get_ref().as_array().ok_or((at, "kinds must be a list".to_owned()))?;
    let mut kinds = Vec::new();
    for kind in list {
        match kind.get_ref().as_str().filter(|kind| KINDS.contains(kind)) {
            Some(kind) => kinds.push(kind.to_owned()),
            None => {
                return Err((
                    kind.span(),
                    format!("kinds: unknown kind; the kinds are {}", KINDS.join(", ")),
                ));
            }
        }
    }
    Ok(kinds)
}

/// The kinds of `[detect]`, for the template.
pub(super) fn kind_names() -> [&'static str; 7] {
    KINDS
}
