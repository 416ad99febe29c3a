//! The tables as sources of a dbt project, with their meanings and tests.

use std::fmt::Write as _;

use super::heading;
use crate::contact_read::Status;
use crate::table::{Column, Table};

/// Returns the file `sources.yml`. dbt finds the tables by its variables.
pub fn sources() -> String {
    let mut yaml = heading("the tables as sources of dbt 1.11 or later").replacen("--", "#", 1);
    yaml.push_str(
        "# Variables: chatzy_database and chatzy_schema, if the tables are not in those of the target.
# chatzy_prefix: latest_ reads the views of the newest versions, where the tables hold the rows of all runs.
version: 2

sources:
  - name: chatzy
    description: \"Conversations of a Chatzy AI account, as exported by chatzy-export.\"
    database: \"{{ var('chatzy_database', target.database) }}\"
    schema: \"{{ var('chatzy_schema', target.schema) }}\"
    tables:
",
    );
    for table in Table::ALL {
        yaml.push_str(&source(table));
    }
    yaml
}

fn source(table: Table) -> String {
    let name = table.name();
    let mut yaml = format!(
        "      - name: {name}
        identifier: \"{{{{ var('chatzy_prefix', '') }}}}{name}\"
        description: {}
",
        quoted(table.meaning())
    );
    let key = key(table);
    if let [_, _, ..] = key.as_slice() {
        // Writing to a string cannot fail.
        let _ = write!(
            yaml,
            "        data_tests:
          - unique:
              name: chatzy_{name}_key_is_unique
              arguments:
                column_name: {}
",
            quoted(&key.join(" || '|' || "))
        );
    }
    yaml.push_str("        columns:\n");
    for column in table.columns() {
        let _ = writeln!(yaml, "          - name: {}", column.name);
        let _ = writeln!(yaml, "            description: {}", quoted(column.meaning));
        let tests = tests(table, column, &key);
        if !tests.is_empty() {
            let _ = write!(yaml, "            data_tests:\n{tests}");
        }
    }
    yaml
}

/// Returns the columns that identify a row of a loaded table. `coverage` has the rows of every run.
fn key(table: Table) -> Vec<&'static str> {
    match table {
        Table::Coverage => [table.key(), &["run_id"]].concat(),
        _ => table.key().to_vec(),
    }
}

fn tests(table: Table, column: &Column, key: &[&str]) -> String {
    let mut yaml = String::new();
    if key.contains(&column.name) || column.name == "run_id" {
        yaml.push_str("              - not_null\n");
    }
    if key == [column.name] {
        yaml.push_str("              - unique\n");
    }
    if let Some(above) = table.joins().find(|above| above.key().last() == Some(&column.name)) {
        // Writing to a string cannot fail.
        let _ = write!(
            yaml,
            "              - relationships:
                  arguments:
                    to: source('chatzy', '{}')
                    field: {}
",
            above.name(),
            column.name
        );
    }
    if table == Table::Coverage && column.name == "status" {
        let statuses = Status::ALL.map(Status::as_str).join(", ");
        let _ = write!(
            yaml,
            "              - accepted_values:
                  arguments:
                    values: [{statuses}]
"
        );
    }
    yaml
}

/// Formats a text as a string of YAML. Every string of JSON is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_relationships_follow_from_the_tables() {
        let yaml = source(Table::ChannelRecords);
        assert!(yaml.contains("column_name: \"contact_id || '|' || record_id\""), "{yaml}");
        let of = |name: &str| {
            let (_, after) = yaml.split_once(&format!("- name: {name}\n")).unwrap();
            let lines = after.lines().skip(1).take_while(|line| !line.contains("- name:"));
            lines.map(str::trim).collect::<Vec<_>>().join(" ")
        };
        insta::assert_snapshot!(of("message_id"), @"data_tests: - relationships: arguments: to: source('chatzy', 'messages') field: message_id");
        insta::assert_snapshot!(of("contact_id"), @"data_tests: - not_null - relationships: arguments: to: source('chatzy', 'contacts') field: contact_id");
        insta::assert_snapshot!(of("text"), @"");
    }

    /// dbt renders descriptions as templates.
    #[test]
    fn no_meaning_is_a_template() {
        for table in Table::ALL {
            let texts = table.columns().iter().map(|column| column.meaning).chain([table.meaning()]);
            for text in texts {
                assert!(!["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)), "{text}");
            }
        }
    }
}
