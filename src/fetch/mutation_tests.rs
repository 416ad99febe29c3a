//! A changed response structure never shortens a history silently.
//!
//! The tests read a history page by page, as fetch does, and mutate some or all responses. A mutation
//! renames, retypes, moves, doubles or removes a member. The read must end as failed or unresolved, or return
//! every message.
//!
//! Some mutations look exactly like a shorter history. The tests leave them out:
//! - a conversation, its `messages` or a message that is removed, emptied, or replaced by null or a number;
//! - the same for the whole list on the first page;
//! - `data.data` that becomes null or `{}`, which is how the API reports a contact that does not exist;
//! - renamed fields of a message. A message without `message_id` is named by its content, and is not lost.

use std::collections::HashSet;

use proptest::prelude::*;

use super::paging::{Paging, Rules, ShortPagePolicy, Step};
use super::request::summarize;
use crate::contact_read::{OffsetUnit, PageRequest, ServerBehavior};
use crate::json::Document;
use crate::record::ContactAnswer;
use crate::settings::Consistency;

/// Mutable JSON. Unlike a map, an object can hold a key twice.
#[derive(Clone, Debug)]
enum Json {
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

use Json::{List, Object, Text};

impl Json {
    fn string(text: &str) -> Self {
        Text(serde_json::to_string(text).unwrap())
    }

    fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn write(&self) -> String {
        match self {
            Text(text) => text.clone(),
            List(elements) => {
                format!("[{}]", elements.iter().map(Self::write).collect::<Vec<_>>().join(","))
            }
            Object(members) => {
                let member = |(name, value): &(String, Self)| format!("{name:?}:{}", value.write());
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }

    fn members(&mut self) -> &mut Vec<(String, Json)> {
        match self {
            Object(members) => members,
            other => panic!("no object: {other:?}"),
        }
    }

    fn get(&mut self, name: &str) -> Option<&mut Json> {
        self.members().iter_mut().find(|(member, _)| member == name).map(|(_, value)| value)
    }
}

/// A history on the server, and the shape of its responses.
#[derive(Clone, Debug)]
struct Server {
    messages: usize,
    conversations: usize,
    flat: bool,
    names_contact: bool,
}

impl Server {
    fn page(&self, request: &PageRequest) -> Json {
        let from = usize::try_from(request.offset).unwrap().min(self.messages);
        let to = (from + request.limit as usize).min(self.messages);
        let message = |at: usize| {
            Json::object([
                ("message_id", Json::string(&format!("m{at}"))),
                ("content", Json::string("hello")),
                ("wa_messages", List(vec![])),
            ])
        };
        let id = if self.names_contact { Json::string("c1") } else { Text("null".to_owned()) };
        let contact = Json::object([("contact_id", id), ("first_name", Json::string("Ada"))]);
        let history = if self.flat {
            ("messages", List((from..to).map(message).collect()))
        } else {
            let of = |conversation: usize| {
                let own = (from..to).filter(|at| at / 3 % self.conversations == conversation);
                let messages: Vec<Json> = own.map(message).collect();
                let id = Json::string(&format!("v{conversation}"));
                let members = [("conversation_id", id), ("messages", List(messages.clone()))];
                (!messages.is_empty()).then(|| Json::object(members))
            };
            ("conversations", List((0..self.conversations).filter_map(of).collect()))
        };
        let records = Json::object([("contact", contact), history]);
        Json::object([("data", Json::object([("data", records)]))])
    }
}

/// A member with a structural meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Member {
    Data,
    Records,
    Contact,
    /// `conversations`, or `messages` of a flat response.
    History,
    /// `messages` of one conversation.
    Messages(usize),
    /// One conversation, or one message of a flat response.
    Element(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Rename(&'static str),
    Remove,
    /// Replaces the value by a string that contains its JSON text.
    AsText,
    /// Replaces a list by an object with numbered members, or an object by a list of one.
    OtherContainer,
    /// Puts the value inside an object.
    Wrapped(&'static str),
    Scalar(&'static str),
    MoveUp,
    MoveDown,
    /// Adds the same member again.
    Doubled,
    /// Adds an empty member of the same name.
    DoubledEmpty {
        last: bool,
    },
}

/// Pages that are mutated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Where {
    Everywhere,
    First,
    Later,
    /// The request with this number.
    Once(u64),
}

impl Where {
    fn holds(self, request: &PageRequest, number: u64) -> bool {
        match self {
            Self::Everywhere => true,
            Self::First => request.offset == 0,
            Self::Later => request.offset > 0,
            Self::Once(at) => number == at,
        }
    }
}

fn numbered(value: Json) -> Json {
    match value {
        List(elements) => {
            Object(elements.into_iter().enumerate().map(|(at, element)| (at.to_string(), element)).collect())
        }
        other => List(vec![other]),
    }
}

/// True if the mutation looks exactly like a shorter history (see the module).
fn is_undetectable(member: Member, change: Change, at: Where) -> bool {
    let removes = matches!(change, Change::Remove | Change::Scalar(_));
    match member {
        // At later offsets, a page without messages does not join.
        Member::History => change == Change::Remove && at != Where::Later,
        Member::Messages(_) => change == Change::Remove,
        Member::Element(_) => {
            removes || matches!(change, Change::Rename(_) | Change::MoveUp | Change::MoveDown)
        }
        Member::Data | Member::Records | Member::Contact => false,
    }
}

/// Mutates a member. Returns its value if the value moves up.
fn change_member(parent: &mut Json, name: &str, change: Change) -> Option<Json> {
    let at = parent.members().iter().position(|(member, _)| member == name)?;
    let value = parent.members()[at].1.clone();
    let set = |parent: &mut Json, value: Json| parent.members()[at].1 = value;
    match change {
        Change::Rename(new) => new.clone_into(&mut parent.members()[at].0),
        Change::Remove => drop(parent.members().remove(at)),
        Change::AsText => set(parent, Json::string(&value.write())),
        Change::OtherContainer => set(parent, numbered(value)),
        Change::Wrapped(inner) => set(parent, Json::object([(inner, value)])),
        Change::Scalar(text) => set(parent, Text(text.to_owned())),
        Change::MoveUp => return Some(parent.members().remove(at).1),
        Change::MoveDown => {
            let value = parent.members().remove(at).1;
            let sibling = parent.members().iter_mut().find(|(_, sibling)| matches!(sibling, Object(_)));
            match sibling {
                Some((_, sibling)) => sibling.members().push((name.to_owned(), value)),
                None => parent.members().push(("inner".to_owned(), Json::object([(name, value)]))),
            }
        }
        Change::Doubled => parent.members().push((name.to_owned(), value)),
        Change::DoubledEmpty { last } => {
            let empty = if matches!(value, List(_)) { List(vec![]) } else { Object(vec![]) };
            let place = if last { parent.members().len() } else { at };
            parent.members().insert(place, (name.to_owned(), empty));
        }
    }
    None
}

fn change_element(list: &mut Vec<Json>, at: usize, change: Change) {
    let value = list[at].clone();
    match change {
        Change::AsText => list[at] = Json::string(&value.write()),
        Change::OtherContainer => list[at] = numbered(value),
        Change::Wrapped(inner) => list[at] = Json::object([(inner, value)]),
        Change::Doubled => list.push(value),
        Change::DoubledEmpty { .. } => list.push(Object(vec![])),
        _ => {}
    }
}

fn mutate(page: &mut Json, flat: bool, member: Member, change: Change) {
    let list = if flat { "messages" } else { "conversations" };
    if member == Member::Data {
        // No object encloses the outermost member.
        if change != Change::MoveUp {
            change_member(page, "data", change);
        }
        return;
    }
    let Some(outer) = page.get("data") else { return };
    if member == Member::Records {
        if let Some(Object(moved)) = change_member(outer, "data", change) {
            outer.members().extend(moved);
        }
        return;
    }
    let Some(records) = outer.get("data") else { return };
    let moved = match member {
        Member::Contact => change_member(records, "contact", change).map(|moved| ("contact", moved)),
        Member::History => change_member(records, list, change).map(|moved| (list, moved)),
        Member::Messages(at) if !flat => {
            let Some(List(conversations)) = records.get(list) else { return };
            let Some(place) = at.checked_rem(conversations.len()) else { return };
            let moved = change_member(&mut conversations[place], "messages", change);
            records.members().extend(moved.map(|moved| ("messages".to_owned(), moved)));
            None
        }
        Member::Element(at) => {
            let Some(List(elements)) = records.get(list) else { return };
            let Some(place) = at.checked_rem(elements.len()) else { return };
            change_element(elements, place, change);
            None
        }
        _ => None,
    };
    if let Some((name, moved)) = moved {
        outer.members().push((name.to_owned(), moved));
    }
}

/// Reads the history in the same way as fetch.
fn read(server: &Server, rules: Rules, mutation: (Member, Change, Where)) -> Result<usize, String> {
    let (member, change, place) = mutation;
    let mut paging = Paging::new(rules);
    let mut facts = ServerBehavior { reading: OffsetUnit::Total, ..ServerBehavior::default() };
    let mut met = HashSet::new();
    for number in 0..2000 {
        let request = match paging.next() {
            Step::Request(request) => *request,
            Step::End(_) => return Ok(met.len()),
            Step::Unresolved(why) => return Err(why.clone()),
            Step::OffsetIgnored => return Err("the offset is ignored".to_owned()),
        };
        let mut page = server.page(&request);
        if place.holds(&request, number) {
            mutate(&mut page, server.flat, member, change);
        }
        let document = Document::parse(page.write()).unwrap();
        match ContactAnswer::validate(&document, &"c1".parse().unwrap()) {
            Ok(answer) => {
                met.extend(answer.messages().map(|(_, id)| id.to_owned()));
                paging.absorb(&request, &summarize(&answer).view, &mut facts);
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("it does not end".to_owned())
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![
        Just(Member::Data),
        Just(Member::Records),
        Just(Member::Contact),
        Just(Member::History),
        (0..4_usize).prop_map(Member::Messages),
        (0..8_usize).prop_map(Member::Element),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        prop::sample::select(vec!["items", "chats", "data", "Messages", "payload", "result", "0"])
            .prop_map(Change::Rename),
        Just(Change::Remove),
        Just(Change::AsText),
        Just(Change::OtherContainer),
        prop::sample::select(vec!["v", "data", "items", "messages", "conversations"])
            .prop_map(Change::Wrapped),
        prop::sample::select(vec!["7", "true", "\"\"", "\"none\"", "0"]).prop_map(Change::Scalar),
        Just(Change::MoveUp),
        Just(Change::MoveDown),
        Just(Change::Doubled),
        any::<bool>().prop_map(|last| Change::DoubledEmpty { last }),
    ]
}

fn place() -> impl Strategy<Value = Where> {
    prop_oneof![
        Just(Where::Everywhere),
        Just(Where::First),
        Just(Where::Later),
        (0..9_u64).prop_map(Where::Once),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, max_global_rejects: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn no_structural_mutation_shortens_a_history_silently(
        messages in 1..40_usize,
        conversations in 1..4_usize,
        flat in any::<bool>(),
        names_contact in any::<bool>(),
        page_size in 2..12_u32,
        consistency in prop::sample::select(vec![Consistency::Anchored, Consistency::Strict, Consistency::Fast]),
        is_proved in any::<bool>(),
        member in member(),
        change in change(),
        place in place(),
    ) {
        let is_left_out = is_undetectable(member, change, place)
            || consistency == Consistency::Fast && change == Change::Remove;
        prop_assume!(!is_left_out);
        let server = Server { messages, conversations, flat, names_contact };
        let short_page_policy = if is_proved { ShortPagePolicy::Prove } else { ShortPagePolicy::Believe };
        let ended = read(&server, Rules { consistency, page_size, short_page_policy }, (member, change, place));
        if let Ok(read) = ended {
            prop_assert!(read >= messages, "{} of {} messages", read, messages);
        }
    }

    #[test]
    fn a_documented_response_is_read_completely(
        messages in 0..40_usize,
        conversations in 1..4_usize,
        flat in any::<bool>(),
        page_size in 2..12_u32,
    ) {
        let server = Server { messages, conversations, flat, names_contact: true };
        let rules = Rules { consistency: Consistency::Anchored, page_size, short_page_policy: ShortPagePolicy::Prove };
        let nothing = (Member::Contact, Change::Rename("contact"), Where::Everywhere);
        prop_assert_eq!(read(&server, rules, nothing), Ok(messages));
    }
}
