//! The account's contacts, as `get_contact_conversations` lists them: latest activity first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::drift::Drift;
use super::next_day::{self, NextDay};
use super::options::PageOptions;
use super::pages::{self, limit};
use super::story::json_out::{OrNull, Quoted, Time, Uuid, put};
use super::story::{Contact, Rng, Story, rng};

/// A parsed query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    search: String,
    limit: u64,
    offset: u64,
    filter: Filter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    All,
    Unread,
    Live,
}

impl Query {
    /// Parses a query. The error is the message of the 400 response.
    pub fn parse(query: &str) -> Result<Self, &'static str> {
        let mut parsed = Self { search: String::new(), limit: 10, offset: 0, filter: Filter::All };
        let mut asked_by = String::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("user_email_id", email) => email.clone_into(&mut asked_by),
                ("search", text) => parsed.search = text.to_lowercase(),
                ("limit", number) => parsed.limit = limit(number)?,
                ("offset", number) => {
                    parsed.offset = number.parse().map_err(|_| "offset must be 0 or more")?;
                }
                ("filter", "all") => parsed.filter = Filter::All,
                ("filter", "unread") => parsed.filter = Filter::Unread,
                ("filter", "live") => parsed.filter = Filter::Live,
                ("filter", _) => return Err("filter must be all, unread or live"),
                _ => {}
            }
        }
        if asked_by.is_empty() { Err("user_email_id is required") } else { Ok(parsed) }
    }
}

/// The list of contacts.
#[derive(Debug)]
pub struct Account {
    story: Story,
    size: u64,
    days: AtomicU64,
    listed: Mutex<Option<Listed>>,
}

/// The rows, latest activity first, after `changes` changes to the contacts.
#[derive(Clone, Debug)]
struct Listed {
    changes: u64,
    rows: Arc<[Row]>,
}

impl Account {
    /// An account with this number of contacts.
    pub fn new(story: Story, contacts: u32) -> Self {
        Self { story, size: u64::from(contacts), days: AtomicU64::new(0), listed: Mutex::default() }
    }

    /// JSON of the part of the list that the `nth` request asks for.
    pub fn write(&self, query: &Query, options: &PageOptions, drift: &Drift, nth: u64) -> String {
        let key = rng::key(self.story.seed, "account's list");
        let before = self.rows(drift);
        let ids: Vec<&str> = before.iter().map(|row| row.id.as_str()).collect();
        drift.pass_over_list(&ids, Rng::new(key, nth));
        let rows = self.rows(drift);
        let (offset, limit) = pages::bounds(options, key, query.offset, query.limit);
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        let taken = usize::try_from(limit).unwrap_or(usize::MAX);
        let page = rows.iter().filter(|row| row.fits(query)).skip(skipped).take(taken);
        let page: Vec<&str> = page.map(|row| row.json.as_str()).collect();
        format!("{{\"data\":{{\"data\":{{\"contacts\":[{}]}}}}}}", page.join(","))
    }

    /// Advances the account by one day.
    pub fn pass_day(&self, drift: &Drift) -> NextDay {
        let day = self.days.fetch_add(1, Ordering::Relaxed) + 1;
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        next_day::pass(self.story, &self.ids(), day, drift)
    }

    fn rows(&self, drift: &Drift) -> Arc<[Row]> {
        let changes = drift.count();
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listed) = listed.as_ref().filter(|listed| listed.changes == changes) {
            return Arc::clone(&listed.rows);
        }
        let ids: Vec<String> = match &*listed {
            Some(listed) => listed.rows.iter().map(|row| row.id.clone()).collect(),
            None => self.ids(),
        };
        let mut rows: Vec<Row> =
            ids.iter().filter_map(|id| Row::new(self.story.contact(id)?, drift)).collect();
        rows.sort_by(|one, other| (other.at, &one.id).cmp(&(one.at, &other.id)));
        let rows: Arc<[Row]> = rows.into();
        *listed = Some(Listed { changes, rows: Arc::clone(&rows) });
        rows
    }

    /// IDs of contacts that exist and have messages. The dashboard shows only these.
    fn ids(&self) -> Vec<String> {
        let key = rng::key(self.story.seed, "account");
        let candidates = (0..).map(|number| Uuid::new(&mut Rng::new(key, number)).to_string());
        let alive = |id: &String| self.story.contact(id).is_some_and(|contact| contact.size > 0);
        candidates
            .filter(alive)
            .take(
                usize::try_from(self.size + next_day::gained(self.days.load(Ordering::Relaxed)))
                    .unwrap_or(usize::MAX),
            )
            .collect()
    }
}

#[derive(Debug)]
struct Row {
    id: String,
    at: Option<i64>,
    status: &'static str,
    unread: u64,
    /// The text that a search matches.
    names: String,
    json: String,
}

impl Row {
    fn new(mut contact: Contact, drift: &Drift) -> Option<Self> {
        let mut rng = Rng::new(contact.key, 6);
        let unread = if rng.one_in(3) { rng.below(12) } else { 0 };
        let last = drift.now(&mut contact).last(contact.mask(None));
        let at = last.map(|index| contact.times.at(index));
        let latest = contact.conversations.last()?;
        let name = format!("{} {}", contact.first_name, contact.last_name);
        let (name, email) = (name.trim(), format!("c{}@mail.example", contact.phone));
        let mut channels: Vec<&str> = contact.conversations.iter().map(|c| c.channel.as_str()).collect();
        channels.sort_unstable();
        channels.dedup();
        let mut json = String::with_capacity(400);
        let out = &mut json;
        put!(out, "{{\"contact_id\":{},\"contact_name\":{}", Quoted(&contact.id), Quoted(name));
        put!(out, ",\"phone_number\":\"+{}\",\"email\":\"{email}\"", contact.phone);
        put!(out, ",\"conversation_status\":\"{}\"", latest.status);
        put!(out, ",\"assigned_to\":{}", OrNull(latest.assigned_to.as_ref()));
        put!(out, ",\"unread_message_count\":\"{unread}\",\"latest_message_time\":{}", OrNull(at.map(Time)));
        put!(out, ",\"channels\":[\"{}\"]}}", channels.join("\",\""));
        let names = format!("{name}\n+{}\n{email}", contact.phone).to_lowercase();
        let status = latest.status;
        Some(Self { id: contact.id, at, status, unread, names, json })
    }

    fn fits(&self, query: &Query) -> bool {
        let kept = match query.filter {
            Filter::All => true,
            Filter::Unread => self.unread > 0,
            Filter::Live => self.status == "live",
        };
        kept && self.names.contains(&query.search)
    }
}
