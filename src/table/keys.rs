//! The meaning of each table, its key and its joins. Like the columns, they are defined only once, here.
//!
//! The tables form a chain: each row belongs to one row of the table above. The key of the table above is
//! part of each table below, so a table joins every table above it on that table's key.

use std::fmt::Write as _;

use super::schema::Table;

/// Facts about the keys that the columns alone do not show, in Markdown without links.
pub const NOTES: [&str; 4] = [
    "Within one run, or within the `latest_…` views, you can leave out `run_id`.",
    "Always join on `contact_id`, too: the API does not promise that message and conversation IDs are unique \
     over all contacts.",
    "`messages.conversation_id` is null for messages without a conversation.",
    "`contacts.user_email_id` is the e-mail address of the account's owner, and the same for all contacts. It \
     is neither an address of the contact nor a key.",
];

/// A query that joins tables of an export in the folder `./export`.
pub struct SampleJoin {
    /// Result of the query.
    pub title: &'static str,
    /// Text for DuckDB.
    pub sql: &'static str,
}

/// Queries that show how the tables are joined.
pub const SAMPLE_JOINS: [SampleJoin; 3] = [
    SampleJoin {
        title: "Messages with their contact",
        sql: "\
SELECT contact.first_name, contact.last_name, message.created_at, message.role, message.content
FROM './export/messages/**/*.parquet' AS message
JOIN './export/contacts/**/*.parquet' AS contact USING (run_id, contact_id);",
    },
    SampleJoin {
        title: "Channel records with their message",
        sql: "\
SELECT message.created_at, message.role, message.content, record.event_type, record.status, record.event_at
FROM './export/channel_records/**/*.parquet' AS record
JOIN './export/messages/**/*.parquet' AS message USING (run_id, contact_id, message_id);",
    },
    SampleJoin {
        title: "Requested contacts, also those that were not found or failed",
        sql: "\
SELECT contact_id, coverage.status, coverage.error, contact.first_name, contact.last_name
FROM './export/coverage/**/*.parquet' AS coverage
LEFT JOIN './export/contacts/**/*.parquet' AS contact USING (run_id, contact_id);",
    },
];

impl Table {
    /// One row of the table in one sentence, in Markdown without links. Data files carry this text.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Contacts => "One row per contact with the status `exported`, `empty` or `unresolved`.",
            Self::Conversations => "One row per conversation.",
            Self::Messages => "One row per message.",
            Self::ChannelRecords => {
                "One row per element of `wa_messages`, `instagram_messages` and `messenger_messages`."
            }
            Self::Coverage => "One row per requested contact: the proof of completeness.",
        }
    }

    /// Columns that identify a row within a run. The contact comes first, since rows are replaced by contact.
    pub fn key(self) -> &'static [&'static str] {
        match self {
            Self::Contacts | Self::Coverage => &["contact_id"],
            Self::Conversations => &["contact_id", "conversation_id"],
            Self::Messages => &["contact_id", "message_id"],
            Self::ChannelRecords => &["contact_id", "record_id"],
        }
    }

    /// Columns that identify a row within an export.
    pub fn key_over_runs(self) -> Vec<&'static str> {
        [&["run_id"], self.key()].concat()
    }

    /// Table that has the row that a row of this table belongs to.
    fn above(self) -> Option<Self> {
        match self {
            Self::Coverage => None,
            Self::Contacts => Some(Self::Coverage),
            Self::Conversations => Some(Self::Contacts),
            Self::Messages => Some(Self::Conversations),
            Self::ChannelRecords => Some(Self::Messages),
        }
    }

    /// All tables above this one, the nearest first. Join each on its [`Self::key_over_runs`].
    pub fn joins(self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.above(), |table| table.above())
    }
}

/// Returns a meaning without the marks of Markdown.
pub fn plain(meaning: &str) -> String {
    meaning.replace('`', "")
}

/// Draws the tables with their keys, each below the one that its rows belong to.
pub fn diagram() -> String {
    let mut tables = Table::ALL;
    tables.sort_by_key(|table| table.joins().count());
    let mut text = String::new();
    for (depth, table) in tables.into_iter().enumerate() {
        let branch = if depth == 0 { String::new() } else { format!("{}└─ ", "   ".repeat(depth - 1)) };
        let named = format!("{branch}{} ({})", table.name(), table.key_over_runs().join(", "));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{named:<62} {}", rows_below(table));
    }
    text
}

/// Number of rows of a table that belong to one row above.
fn rows_below(table: Table) -> &'static str {
    match table {
        Table::Coverage => "one row per requested contact",
        Table::Contacts => "one row, or none",
        Table::Conversations => "any number of rows",
        Table::Messages => "any number of rows",
        Table::ChannelRecords => "any number of rows",
    }
}

#[cfg(test)]
mod tests {
    use super::{SAMPLE_JOINS, diagram};
    use crate::table::Table;

    #[test]
    fn every_table_has_the_key_of_each_table_above() {
        for table in Table::ALL {
            let has = |name: &&str| table.columns().iter().any(|column| column.name == *name);
            assert!(table.key_over_runs().iter().all(has), "{table:?}");
            for above in table.joins() {
                assert!(above.key_over_runs().iter().all(has), "{table:?} joins {above:?}");
            }
        }
    }

    #[test]
    fn key_columns_are_never_null_in_their_own_table() {
        for table in Table::ALL {
            for column in table.columns().iter().filter(|column| table.key_over_runs().contains(&column.name))
            {
                assert!(!column.nullable, "{table:?} {}", column.name);
            }
        }
    }

    #[test]
    fn lines_are_short() {
        let sql = SAMPLE_JOINS.iter().map(|join| join.sql);
        for line in sql.chain([diagram().as_str()]).flat_map(str::lines) {
            assert!(line.chars().count() <= 110, "{line}");
        }
    }

    #[test]
    fn the_diagram_shows_the_chain() {
        insta::assert_snapshot!(diagram(), @r"
        coverage (run_id, contact_id)                                  one row per requested contact
        └─ contacts (run_id, contact_id)                               one row, or none
           └─ conversations (run_id, contact_id, conversation_id)      any number of rows
              └─ messages (run_id, contact_id, message_id)             any number of rows
                 └─ channel_records (run_id, contact_id, record_id)    any number of rows
        ");
    }
}
