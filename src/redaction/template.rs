//! A policy to start from: every column with its meaning and a safe suggestion.

use std::fmt::Write as _;

use super::policy::Action;
use super::policy_file::kind_names;
use crate::table::{Column, Kind, Table, plain};

const HEAD: &str = "\
# Redaction policy of chatzy-export. Use: chatzy-export evidence PATH --out DIR --redact THIS_FILE
#
# Columns that have no line are dropped. Each line is \"table.column\" = ACTION:
#   keep       the value as it is
#   drop       no value: null, or \"\", 0, {} in columns that are never null
#   mask       ***
#   last4      *** and the last four letters or digits
#   pseudonym  p- and 26 letters, equal for equal values; needs --pseudonym-key-file
#   day month  the time, cut to its day or month in UTC
#   detect     the text, in which [detect] replaces personal data
# Also possible: \"*.column\" for every table, \"table.*\" for every column. The most exact key wins.

[columns]
default = \"drop\"
";

const TAIL: &str = "
# Names of persons other than the contact are not found. List such words in a file, one word or phrase a line.
# words = \"words.txt\"

# Instead of what is found. {kind} is its kind, {pseudonym} the pseudonym of its value.
replace = \"[{kind}]\"
";

pub(super) fn template() -> String {
    let mut text = HEAD.to_owned();
    // Writing to a string cannot fail.
    for table in Table::ALL {
        let _ = writeln!(text, "\n# {}", plain(table.meaning()));
        for column in table.columns() {
            let key = format!("\"{}.{}\"", table.name(), column.name);
            let action = suggestion(table, column).name();
            let _ = writeln!(text, "{key:<40} = {:<12} # {}", format!("\"{action}\""), plain(column.meaning));
        }
    }
    let kinds = kind_names().map(|kind| format!("\"{kind}\"")).join(", ");
    let _ = write!(
        text,
        "\n[detect]\n# known: names, numbers and IDs of the contact itself, in any spelling and encoding.\nkinds = \
         [{kinds}]\n"
    );
    text + TAIL
}

/// Returns the suggestion for a column. Texts that the API sends are searched, even those that name a state.
fn suggestion(table: Table, column: &Column) -> Action {
    let is_ours = column.name == "run_id" || (table == Table::Coverage && column.name != "contact_id");
    match by_name(table, column.name) {
        Action::Keep if column.kind == Kind::Str && !is_ours => Action::Detect,
        action => action,
    }
}

/// Returns the suggestion for a column of a name. New columns are dropped until somebody decides.
fn by_name(table: Table, column: &str) -> Action {
    match (table, column) {
        (Table::Messages | Table::ChannelRecords, "created_at" | "event_at") => Action::Keep,
        (Table::Coverage, "messages" | "pages" | "requests" | "retries" | "rereads" | "end" | "status") => {
            Action::Keep
        }
        (_, "fetch_started_at" | "fetch_finished_at" | "exported_at" | "run_id") => Action::Keep,
        (
            _,
            "created_at" | "last_interacted_at" | "frozen_until" | "first_message_at" | "last_message_at",
        ) => Action::Day,
        (
            _,
            "contact_id"
            | "conversation_id"
            | "message_id"
            | "record_id"
            | "platform_message_id"
            | "related_message_id"
            | "sender_id"
            | "recipient_id"
            | "phone_number"
            | "assigned_to",
        ) => Action::Pseudonym,
        (_, "content" | "text" | "error" | "error_details") => Action::Detect,
        (
            _,
            "contact_queries"
            | "is_blacklisted"
            | "is_frozen"
            | "conversation_count"
            | "message_count"
            | "conversation_status"
            | "conversation_type"
            | "chatbot_id"
            | "message_order"
            | "role"
            | "channel"
            | "record_index"
            | "status"
            | "event_type"
            | "message_type"
            | "direction"
            | "template_name"
            | "media_mime_type"
            | "error_code"
            | "error_title"
            | "pricing_category",
        ) => Action::Keep,
        _ => Action::Drop,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::redaction::Policy;

    #[test]
    fn the_template_is_a_policy_with_every_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        crate::durable::create_new(&path).unwrap().write_all(template().as_bytes()).unwrap();
        let policy = Policy::read(&path).unwrap();
        for table in Table::ALL {
            for column in table.columns() {
                assert_eq!(policy.action(table, column), suggestion(table, column), "{}", column.name);
                assert!(template().contains(&format!("\"{}.{}\"", table.name(), column.name)));
            }
        }
        assert!(policy.known && policy.patterns.url_query);
        assert!(policy.needs_key().is_some());
    }

    #[test]
    fn the_template_keeps_no_column_with_free_text() {
        for (table, column) in [
            (Table::Contacts, "extra"),
            (Table::Contacts, "first_name"),
            (Table::ChannelRecords, "raw"),
            (Table::ChannelRecords, "media_url"),
            (Table::Contacts, "a_later_column"),
        ] {
            assert_eq!(by_name(table, column), Action::Drop);
        }
    }
}
