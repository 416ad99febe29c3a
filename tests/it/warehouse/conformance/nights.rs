//! An account over three nights with every kind of change in between, and the expected contents of a warehouse.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::super::TABLES;
use super::super::databases::Row;
use super::super::files::{Files, rows_in_files};
use super::super::state::{Kinds, State};
use crate::support::export::Export;
use crate::support::scripted::{Answer, Asked, Scripted};
use Told::{Absent, Failed, Has, Missing, Same};

/// The runs with whole contacts, in the order of their chain.
pub const RUNS: [&str; 3] = ["night1", "night2", "night3"];

/// A run with parts of contacts, between the second and the third night.
pub const PART: &str = "part";

/// A run that reads all contacts, for exports in which it replaces the others.
pub const FULL: &str = "night4";

/// Hours by which the clock is ahead. Before the third night it was set back, so that night reads again what the second has
/// read.
const AHEAD: [u64; 3] = [0, 48, 24];

/// The answer of the service for a contact in one night.
#[derive(Clone, Copy)]
enum Told {
    /// The contacts file lacks the contact.
    Absent,
    /// Nothing has changed, so an incremental run does not ask.
    Same,
    Failed,
    Missing,
    /// IDs and texts of messages.
    Has(&'static [(&'static str, &'static str)]),
}

const ONE: Told = Has(&[("m1", "one")]);
const TWO: Told = Has(&[("m1", "one"), ("m2", "two")]);

const EDITED: Told = Has(&[("m2", "two, edited"), ("m3", "three"), ("m4", "four")]);
const NEW: Told = Has(&[("m1", ODD), ("m5", "five")]);

/// The contacts with their three nights.
const CONTACTS: [(&str, [Told; 3]); 17] = [
    ("changed", [Has(&[("m1", "one"), ("m2", "two"), ("m3", "three")]), EDITED, EDITED]),
    ("rested", [ONE, Same, TWO]),
    ("same", [ONE, ONE, ONE]),
    ("still", [ONE, Same, Same]),
    ("shrunk", [TWO, Same, ONE]),
    ("emptied", [TWO, Has(&[]), Has(&[])]),
    ("refilled", [ONE, Has(&[]), Has(&[("m2", "two")])]),
    ("gone", [ONE, Missing, Missing]),
    ("returned", [ONE, Missing, TWO]),
    ("unread", [ONE, Failed, TWO]),
    ("late", [Failed, ONE, ONE]),
    ("broken", [ONE, TWO, Failed]),
    ("never", [Failed, Failed, Failed]),
    ("new", [Absent, NEW, NEW]),
    ("empty", [Has(&[]), Same, Same]),
    ("dropped", [TWO, Absent, Absent]),
    ("o'dd \\ \"é\" 👋", [Absent, Has(&[("m'1", "o''ne"), ("m6", "six\\")]), Has(&[("m'1", ODD)])]),
];

/// A text that is an error in scripts that copy texts into literals.
const ODD: &str = "'quoted' \"twice\" \\ $$ {x} 👋🏽\n\tnext;\n| \u{2028}";

impl Told {
    /// Its status in `coverage`.
    fn status(self) -> Option<&'static str> {
        match self {
            Absent => None,
            Same => Some("unchanged"),
            Failed => Some("failed"),
            Missing => Some("not_found"),
            Has([]) => Some("empty"),
            Has(_) => Some("exported"),
        }
    }

    /// True if the run has the newest version of the contact.
    fn decides(self) -> bool {
        matches!(self, Missing | Has(_))
    }

    /// The answer for a contact in a run.
    fn of(nights: &[Self; 3], run: &str) -> Self {
        match RUNS.iter().position(|id| *id == run) {
            Some(night) => nights[night],
            None => nights[changed(nights, 2)],
        }
    }
}

/// The export of the nights, and the expected contents of the tables.
pub struct Nights {
    pub export: Export,
    server: Arc<Scripted>,
    pub kinds: Kinds,
    /// The rows in the files, by run and table.
    rows: Files,
}

impl Nights {
    /// Exports with these options.
    pub fn of(options: &str) -> Self {
        let night = Arc::new(AtomicUsize::new(0));
        let now = Arc::clone(&night);
        let server = Arc::new(Scripted::api(move |asked| page(asked, now.load(Ordering::Relaxed))));
        let export = Export::run_of(server.url(), [""; 0]).args(options).args("--run-id");
        for (at, run) in RUNS.into_iter().enumerate() {
            night.store(at, Ordering::Relaxed);
            export.write("contacts.csv", contacts_file(at));
            let outcome = export.hours_later(AHEAD[at]).arg(run).args("--incremental").expect(3);
            assert_eq!(outcome.manifest()["run_id"], run);
            if at == 1 {
                export.hours_later(AHEAD[at]).arg(PART).args("--since 2026-02-01").expect(3);
            }
        }
        let nights = Self::in_files(export, server);
        nights.check();
        nights
    }

    fn in_files(export: Export, server: Arc<Scripted>) -> Self {
        let kinds = Kinds::of(export.out_path());
        Self { rows: rows_in_files(export.out_path(), &kinds), kinds, export, server }
    }

    /// A copy of the export with one more run, whose time is before all others.
    pub fn with_full_run(&self) -> Self {
        let export = self.export.clone().out("copy");
        let copied = Command::new("cp").arg("-a").args([self.export.out_path(), export.out_path()]).status();
        assert!(copied.is_ok_and(|status| status.success()));
        export.hours_earlier(24).arg(FULL).args("--incremental --full").expect(3);
        Self::in_files(export, Arc::clone(&self.server))
    }

    /// Fails if the files differ from the account.
    fn check(&self) {
        let mut times = Vec::new();
        for (night, run) in RUNS.into_iter().enumerate() {
            let told = |at: &str| self.rows[&(run.to_owned(), at.to_owned())].clone();
            let covered: BTreeSet<(String, String)> =
                told("coverage").iter().map(|row| (text(row, "contact_id"), text(row, "status"))).collect();
            let expected = CONTACTS.iter().filter_map(|(contact, nights)| {
                Some(((*contact).to_owned(), nights[night].status()?.to_owned()))
            });
            assert_eq!(covered, expected.collect(), "{run}");
            let messages =
                |row: &Row| [text(row, "contact_id"), text(row, "message_id"), text(row, "content")];
            let messages: BTreeSet<_> = told("messages").iter().map(messages).collect();
            let expected = CONTACTS.iter().flat_map(|(contact, nights)| {
                let Has(texts) = nights[night] else { return Vec::new() };
                texts.iter().map(|(id, text)| [contact, id, text].map(|text| (*text).to_owned())).collect()
            });
            assert_eq!(messages, expected.collect(), "{run}");
            times.push(told("coverage")[0]["exported_at"].as_i64().expect("a time"));
        }
        assert!(times[0] < times[2] && times[2] < times[1], "the clock was set back: {times:?}");
    }

    /// The newest version of each contact after these runs were loaded, and the coverage of all of them.
    pub fn state(&self, loaded: &[&str]) -> State {
        self.rows_of(loaded, |table, contact, run| {
            table == "coverage" || Self::holder(contact, loaded) == Some(run)
        })
    }

    /// The newest version of each contact, with its coverage.
    pub fn latest(&self, loaded: &[&str]) -> State {
        self.rows_of(loaded, |_, contact, run| Self::holder(contact, loaded) == Some(run))
    }

    /// The rows of the run with parts of contacts, with all of its coverage or that of contacts that it has read.
    pub fn part(&self, has_all_coverage: bool) -> State {
        self.rows_of(&[PART], |table, contact, _| {
            let (_, nights) = CONTACTS.iter().find(|(id, _)| *id == contact).expect("a contact");
            (table == "coverage" && has_all_coverage) || nights[changed(nights, 1)].decides()
        })
    }

    /// All rows of these runs.
    pub fn all(&self, loaded: &[&str]) -> State {
        self.rows_of(loaded, |_, _, _| true)
    }

    fn rows_of(&self, loaded: &[&str], has: impl Fn(&str, &str, &str) -> bool) -> State {
        let of = |table: &str| {
            let rows = loaded.iter().flat_map(|run| {
                let rows = self.rows.get(&((*run).to_owned(), table.to_owned())).into_iter().flatten();
                rows.filter(|row| has(table, &text(row, "contact_id"), run)).cloned()
            });
            (table.to_owned(), rows.collect())
        };
        State::of(TABLES.into_iter().map(of).collect(), &self.kinds)
    }

    /// The run with the newest version of a contact, according to the account alone.
    fn holder<'a>(contact: &str, loaded: &[&'a str]) -> Option<&'a str> {
        let (_, nights) = CONTACTS.iter().find(|(id, _)| *id == contact)?;
        let mut runs = RUNS.into_iter().chain([FULL]).rev();
        let last = runs.find(|run| loaded.contains(run) && Told::of(nights, run).decides())?;
        loaded.iter().find(|run| **run == last).copied()
    }
}

pub fn text(row: &Row, column: &str) -> String {
    row[column].as_str().unwrap_or_else(|| panic!("{column} is no text: {row:?}")).to_owned()
}

fn contacts_file(night: usize) -> String {
    let asked = CONTACTS.iter().filter(|(_, nights)| !matches!(nights[night], Absent));
    let quoted = asked.map(|(id, _)| format!("\"{}\"\n", id.replace('"', "\"\"")));
    format!("contact_id\n{}", quoted.collect::<String>())
}

/// The night in which a contact changed last.
fn changed(nights: &[Told; 3], night: usize) -> usize {
    (0..=night).rfind(|night| !matches!(nights[*night], Same)).expect("no contact begins unchanged")
}

fn page(asked: &Asked, night: usize) -> Answer {
    if asked.endpoint == "get_contact_conversations" {
        return list(asked, night);
    }
    let (_, nights) =
        CONTACTS.iter().find(|(id, _)| *id == asked.contact()).expect("a contact of the account");
    match nights[changed(nights, night)] {
        Missing => Answer::message(404, "no such contact"),
        Has(texts) => {
            let messages = texts.iter().map(|(id, text)| message(id, text, night));
            answer(asked, &messages.skip(asked.number("offset")).collect::<Vec<_>>())
        }
        Absent | Same | Failed => Answer::message(400, "no"),
    }
}

/// The account's list, newest first.
fn list(asked: &Asked, night: usize) -> Answer {
    let known = CONTACTS.iter().filter(|(_, nights)| !matches!(nights[night], Absent | Missing));
    let mut known: Vec<_> = known.map(|(id, nights)| (changed(nights, night), *id)).collect();
    known.sort_by(|one, other| other.cmp(one));
    let rows = known.into_iter().skip(asked.number("offset")).take(asked.number("limit"));
    let row = |(changed, id): (usize, &str)| json!({"contact_id": id, "latest_message_time": format!("2026-0{}-20T00:00:00Z", changed + 3)});
    let rows: Vec<Value> = rows.map(row).collect();
    Answer::new(200, json!({"data": {"data": {"contacts": rows}}}).to_string())
}

/// A contact with values in all columns, and these messages.
fn answer(asked: &Asked, messages: &[Value]) -> Answer {
    let contact = json!({
        "contact_id": asked.contact(), "user_email_id": "owner@shop.example", "first_name": "Ada", "last_name": "L",
        "phone_number": "+49 30 1", "created_at": "2025-12-31T23:59:59.999999Z", "last_interacted_at": "2026-01-01T00:00:00Z",
        "contact_queries": 7, "is_blacklisted": false, "is_frozen": true, "frozen_until": "9999-12-31T23:59:59Z",
        "extra_field": [true],
    });
    let conversations = match messages {
        [] => json!([]),
        _ => json!([{
            "conversation_id": format!("of {}", asked.contact()), "conversation_type": "chat", "conversation_status": "open",
            "assigned_to": "a;\nb", "chatbot_id": "bot", "since_when": null, "messages": messages,
        }]),
    };
    Answer::new(
        200,
        json!({"data": {"data": {"contact": contact, "conversations": conversations}}}).to_string(),
    )
}

/// A message with values for all kinds of columns. Each has another month, one none.
fn message(id: &str, text: &str, night: usize) -> Value {
    let number = id.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().expect("a number");
    let time = (number != 3).then(|| format!("2026-0{number}-05T10:00:00.00000{number}Z"));
    let status = ["sent", "delivered", "read"][night];
    let mut message = json!({
        "message_id": id, "content": text, "created_at": time, "message_order": number, "role": "user",
        "mood": {"is": [1.5, null, "it's; \\ \n"], "n": 9_007_199_254_740_993_u64},
    });
    let record = json!([{
        "status": status, "created_at": "2026-01-05T10:00:01Z",
        "data": {"type": "text", "id": format!("wamid-{id}"), "from": "49", "text": {"body": text}, "x": 1.50},
    }]);
    // The others have no channel.
    match number {
        1 | 2 => message["wa_messages"] = record,
        3 => message["instagram_messages"] = record,
        _ => {}
    }
    message
}
