//! An account that a test changes from night to night.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::support::export::Export;
use crate::support::scripted::{Answer, Asked, Scripted};

/// One contact of the account.
#[derive(Clone, Default)]
pub struct Person {
    /// Time in the account's list; `None` if the list lacks the contact.
    pub time: Option<String>,
    pub messages: BTreeMap<String, String>,
    pub is_refused: bool,
}

/// An account that the test changes between two nights, with its requests.
pub struct Account {
    server: Scripted,
    people: Arc<Mutex<BTreeMap<String, Person>>>,
    /// If closed, it answers no request for messages.
    pub is_open: Arc<AtomicBool>,
    /// Responses left before it closes.
    left: Arc<AtomicUsize>,
    seen: Mutex<usize>,
}

impl Account {
    /// An account of these contacts with two messages each.
    pub fn of(contacts: &[&str]) -> Self {
        let people = contacts.iter().map(|id| {
            let messages = [1, 2].map(|number| (format!("{id}-{number}"), "hello".to_owned()));
            let person = Person {
                time: Some("2026-01-01T00:00:00Z".into()),
                messages: messages.into(),
                is_refused: false,
            };
            ((*id).to_owned(), person)
        });
        let people: Arc<Mutex<BTreeMap<_, _>>> = Arc::new(Mutex::new(people.collect()));
        let is_open = Arc::new(AtomicBool::new(true));
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let (known, open, last) = (Arc::clone(&people), Arc::clone(&is_open), Arc::clone(&left));
        let server = Scripted::api(move |asked| {
            let people = known.lock().unwrap_or_else(PoisonError::into_inner);
            match (asked.endpoint.as_str(), people.get(asked.contact())) {
                ("get_contact_conversations", _) => list(&people, asked),
                (_, None) => Answer::message(404, "Contact not found"),
                (_, Some(person)) if person.is_refused => Answer::message(403, "no"),
                (_, Some(_)) if !open.load(Ordering::Relaxed) => Answer::message(503, "closed"),
                (_, Some(person)) => {
                    if last.fetch_sub(1, Ordering::Relaxed) == 1 {
                        open.store(false, Ordering::Relaxed);
                    }
                    page(person, asked)
                }
            }
        });
        Self { server, people, is_open, left, seen: Mutex::new(0) }
    }

    /// The address of the API.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    fn people(&self) -> MutexGuard<'_, BTreeMap<String, Person>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a contact, or adds one.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Person)) {
        change(self.people().entry(id.to_owned()).or_default());
    }

    /// Takes a contact away.
    pub fn remove(&self, id: &str) {
        self.people().remove(id);
    }

    /// A new message, which changes the contact's time.
    pub fn write(&self, id: &str, message: &str) {
        self.change(id, |person| {
            person.messages.insert(format!("{id}-{message}"), "news".to_owned());
            person.time = Some(format!("2026-02-01T00:00:00Z {message}"));
        });
    }

    /// Closes the account after this many responses with messages.
    pub fn close_after(&self, answers: usize) {
        self.left.store(answers, Ordering::Relaxed);
    }

    /// The contacts whose messages were requested after the previous call.
    pub fn asked_for(&self) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap();
        let asked = self.server.asked().split_off(*seen);
        *seen += asked.len();
        let messages = asked.iter().filter(|asked| asked.endpoint == "get_contact_conversation_messages");
        let mut contacts: Vec<String> = messages.map(|asked| asked.contact().to_owned()).collect();
        contacts.sort();
        contacts.dedup();
        contacts
    }

    pub fn nightly(&self, contacts: &[&str]) -> Export {
        self.plain(contacts).args("--incremental")
    }

    /// The same command without `--incremental`.
    pub fn plain(&self, contacts: &[&str]) -> Export {
        Export::run_of(self.server.url(), contacts).args("--format jsonl --concurrency 1")
    }
}

fn list(people: &BTreeMap<String, Person>, asked: &Asked) -> Answer {
    let number = |name: &str| asked.query[name].parse::<usize>().unwrap();
    let mut listed: Vec<_> =
        people.iter().filter_map(|(id, person)| Some((person.time.as_ref()?, id))).collect();
    listed.sort_by(|one, other| other.cmp(one));
    let rows: Vec<Value> = listed
        .into_iter()
        .skip(number("offset"))
        .take(number("limit"))
        .map(|(time, id)| json!({"contact_id": id, "latest_message_time": time}))
        .collect();
    Answer::new(200, json!({"data": {"data": {"contacts": rows}}}).to_string())
}

fn page(person: &Person, asked: &Asked) -> Answer {
    let number = |name: &str| asked.query[name].parse::<usize>().unwrap();
    let messages = person.messages.iter().skip(number("offset")).take(number("limit"));
    let messages: Vec<Value> = messages
        .map(|(id, text)| json!({"message_id": id, "content": text, "created_at": "2026-01-01T00:00:00Z"}))
        .collect();
    let conversations = if messages.is_empty() {
        json!([])
    } else {
        json!([{"conversation_id": format!("of-{}", asked.contact()), "messages": messages}])
    };
    let contact = json!({"contact_id": asked.contact()});
    Answer::new(
        200,
        json!({"data": {"data": {"contact": contact, "conversations": conversations}}}).to_string(),
    )
}
