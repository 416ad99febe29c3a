//! The columns of each table: name, kind, nullability, meaning and example. This is their only definition.
//!
//! `schema` prints them, the SQL has them as comments, and `docs/reference.md` has them from here. [`keys`]
//! has the meanings and keys of the tables. The examples come from the built-in simulator: they are one
//! conversation of one contact, so that the keys of the tables fit each other.
//!
//! [`keys`]: super::keys

mod channel_records;
mod contacts;
mod conversations;
mod coverage;
mod messages;

use super::schema::Kind::{self, Json, Str, Ts};
use super::schema::{Column, Table};

const EXPORTED_AT: Column =
    not_null("exported_at", Ts, "Start of the run that wrote the row.", "2026-11-20T02:00:00.000000Z");
const RUN_ID: Column = not_null("run_id", Str, "Run that wrote the row.", "20261120T020000Z-ab12cd");

impl Table {
    /// The columns of the table, in their order.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Contacts => contacts::COLUMNS,
            Self::Conversations => conversations::COLUMNS,
            Self::Messages => messages::COLUMNS,
            Self::ChannelRecords => channel_records::COLUMNS,
            Self::Coverage => coverage::COLUMNS,
        }
    }
}

/// The column of the values that have no column of their own.
const fn extra(example: &'static str) -> Column {
    null(
        "extra",
        Json,
        "Fields without a column, and values that do not fit their column, as one object.",
        example,
    )
}

const fn null(name: &'static str, kind: Kind, meaning: &'static str, example: &'static str) -> Column {
    Column { name, kind, nullable: true, meaning, example }
}

const fn not_null(name: &'static str, kind: Kind, meaning: &'static str, example: &'static str) -> Column {
    Column { name, kind, nullable: false, meaning, example }
}

#[cfg(test)]
mod tests {
    use super::{Column, Kind, Table};
    use crate::table::plain;
    use crate::time::{format_time, parse_time};

    /// Words that the texts of the project avoid.
    const BANNED: [&str; 7] = ["tells", "stands in", "goes on", "so many", "What ", "Whether ", "Who "];

    fn columns() -> impl Iterator<Item = (String, &'static Column)> {
        let of = |table: Table| {
            table.columns().iter().map(move |column| (format!("{}.{}", table.name(), column.name), column))
        };
        Table::ALL.into_iter().flat_map(of)
    }

    #[test]
    fn every_meaning_is_one_short_sentence() {
        let tables = Table::ALL.map(|table| (table.name().to_owned(), table.meaning()));
        let texts = columns().map(|(name, column)| (name, column.meaning)).chain(tables);
        for (name, meaning) in texts {
            let first = plain(meaning).chars().next();
            let is_name = meaning.starts_with('`');
            assert!(is_name || first.is_some_and(char::is_uppercase), "{name}: {meaning}");
            assert!(meaning.ends_with('.') && !meaning.contains(". "), "{name}: {meaning}");
            assert!(meaning.split_whitespace().count() <= 25, "{name}: {meaning}");
            assert!(!BANNED.iter().any(|word| meaning.contains(word)), "{name}: {meaning}");
            // The comments in SQL have these texts, also where a backslash begins an escape.
            assert!(meaning.is_ascii() && !meaning.contains(['\\', '\n', '|']), "{name}: {meaning}");
            assert_eq!(meaning.matches('`').count() % 2, 0, "{name}: {meaning}");
        }
    }

    #[test]
    fn every_example_is_a_value_of_its_column() {
        for (name, column) in columns() {
            let example = column.example;
            let fits = match column.kind {
                Kind::Str => !example.is_empty() && !example.contains(char::is_control),
                Kind::Ts => parse_time(example).is_some_and(|time| format_time(time).to_string() == example),
                Kind::Int => example.parse::<i64>().is_ok(),
                Kind::Bool => example.parse::<bool>().is_ok(),
                Kind::Json => {
                    serde_json::from_str::<serde_json::Value>(example).is_ok_and(|value| value.is_object())
                }
            };
            assert!(fits, "{name}: {example}");
        }
    }

    #[test]
    fn the_owner_is_not_the_contact() {
        let (_, column) = columns().find(|(name, _)| name == "contacts.user_email_id").unwrap();
        assert!(column.meaning.contains("of the account's owner, not of the contact"), "{}", column.meaning);
    }
}
