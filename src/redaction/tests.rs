//! Tests of policies, rows and texts, with planted values.

mod attacks;
mod rows;
mod texts;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;

/// Writes a file for this test alone.
fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    crate::durable::create_new(&path).unwrap().write_all(text.as_bytes()).unwrap();
    path
}

fn policy(text: &str) -> Result<Policy, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "policy.toml", text);
    write(folder.path(), "words.txt", "# persons\nMarie Curie\nNautilus\n");
    write(folder.path(), "bad.txt", "Marie\n\n--\n");
    Policy::read(&path)
        .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn key() -> PseudonymKey {
    let folder = tempfile::tempdir().unwrap();
    PseudonymKey::read(&write(folder.path(), "key", "0123456789abcdef0123456789abcdef")).unwrap()
}

fn redaction(text: &str) -> Redaction {
    RedactionPlan::new(policy(text).unwrap(), Some(key())).unwrap().start()
}

#[test]
fn mistakes_are_reported_with_file_and_line() {
    let mistake = |text: &str| policy(text).err().unwrap();
    insta::assert_snapshot!(mistake("[columns]\n\"messages.text\" = \"keep\"\n"), @"policy.toml, line 2: messages.text: unknown column of the table messages");
    insta::assert_snapshot!(mistake("[columns]\n\n\"message.content\" = \"keep\"\n"), @"policy.toml, line 3: message.content: unknown table; the tables are contacts, conversations, messages, channel_records, coverage");
    insta::assert_snapshot!(mistake("[columns]\n\"*.foo\" = \"keep\"\n"), @"policy.toml, line 2: *.foo: unknown column of any table");
    insta::assert_snapshot!(mistake("[columns]\n\"messages.content\" = \"remove\"\n"), @"policy.toml, line 2: messages.content: unknown action remove; the actions are keep, drop, mask, last4, pseudonym, day, month, detect");
    insta::assert_snapshot!(mistake("[columns]\n\"messages.content\" = \"day\"\n"), @"policy.toml, line 2: messages.content: day does not fit content, which is of type text; use keep, drop, mask, last4, pseudonym, detect");
    insta::assert_snapshot!(mistake("[columns]\n\"messages.*\" = \"detect\"\n"), @"policy.toml, line 2: messages.*: detect does not fit message_order, which is of type integer; use keep, drop");
    insta::assert_snapshot!(mistake("[columns]\n\"*.*\" = \"keep\"\n"), @r#"policy.toml, line 2: "*.*" is every column; use default"#);
    insta::assert_snapshot!(mistake("[columns]\ndefault = \"detect\"\n"), @r#"policy.toml, line 2: default: use "drop" or "keep""#);
    insta::assert_snapshot!(mistake("[columns]\nfirst_name = \"keep\"\n"), @r#"policy.toml, line 2: unknown key "first_name"; use "table.column", "*.column" or "table.*""#);
    insta::assert_snapshot!(mistake("[columns]\n[columns.messages]\ncontent = \"keep\"\n\"role\" = 1\n"), @"policy.toml, line 4: messages.role: unknown action that is not a text; the actions are keep, drop, mask, last4, pseudonym, day, month, detect");
    insta::assert_snapshot!(mistake("[column]\n"), @r#"policy.toml, line 1: unknown key "column"; use [columns] and [detect]"#);
    insta::assert_snapshot!(mistake("[detect]\nkinds = [\"email\",\n\"fax\"]\n"), @"policy.toml, line 3: kinds: unknown kind; the kinds are known, email, phone, card, iban, ip, url_query");
    insta::assert_snapshot!(mistake("[detect]\nreplace = \"[{name}]\"\n"), @"policy.toml, line 2: replace: unknown {name}; use {kind} or {pseudonym}");
    insta::assert_snapshot!(mistake("[detect]\nword = \"x\"\n"), @r#"policy.toml, line 2: unknown key "word"; use kinds, words and replace"#);
    insta::assert_snapshot!(mistake("[detect]\nwords = \"bad.txt\"\n"), @"bad.txt, line 3: the line has no letter or digit to search for");
    insta::assert_snapshot!(mistake("[detect]\nwords = \"none.txt\"\n"), @"cannot read none.txt");
    insta::assert_snapshot!(mistake("[columns\n"), @"policy.toml, line 1: unclosed table, expected `]`");
}

#[test]
fn pseudonyms_need_a_key() {
    let needs =
        |text: &str| RedactionPlan::new(policy(text).unwrap(), None).err().map(|error| error.to_string());
    insta::assert_snapshot!(needs("[columns]\n\"*.contact_id\" = \"pseudonym\"\n").unwrap(), @"the policy has a pseudonym for contacts.contact_id; give a key with --pseudonym-key-file");
    insta::assert_snapshot!(needs("[detect]\nreplace = \"[{kind} {pseudonym}]\"\n").unwrap(), @"the policy's detect.replace has {pseudonym}; give a key with --pseudonym-key-file");
    assert_eq!(needs("[columns]\n\"*.contact_id\" = \"mask\"\n"), None);
}

#[test]
fn the_most_exact_key_wins() {
    use super::policy::Action;
    let text = "[columns]\ndefault = \"keep\"\n\"coverage.*\" = \"drop\"\n\"*.contact_id\" = \"mask\"\n\
                contacts.contact_id = \"last4\"\n\"coverage.pages\" = \"keep\"\n";
    let policy = policy(text).unwrap();
    let action = |table: Table, name: &str| {
        policy.action(table, table.columns().iter().find(|column| column.name == name).unwrap())
    };
    assert_eq!(action(Table::Contacts, "contact_id"), Action::Last4);
    assert_eq!(action(Table::Coverage, "contact_id"), Action::Mask);
    assert_eq!(action(Table::Coverage, "pages"), Action::Keep);
    assert_eq!(action(Table::Coverage, "error"), Action::Drop);
    assert_eq!(action(Table::Messages, "content"), Action::Keep);
    let empty = self::policy("").unwrap();
    assert!(empty.actions.values().all(|action| *action == Action::Drop));
}
