//! Property test: no value that the API sent is lost or duplicated.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::super::Table;
use super::{append, builders, objects, page_of, take};
use crate::record::tests::read_page;

/// Creates a nested value whose scalars are numbered, beginning with `first`.
fn wild(shape: &[u8], first: &mut u64, depth: u8) -> String {
    let Some((kind, rest)) = shape.split_first() else { return "null".to_owned() };
    let mut mark = || {
        *first += 1;
        *first
    };
    match kind % 8 {
        0 => format!("{}", mark()),
        1 => format!("\"{}\"", mark()),
        2 => format!("\"\\u0061{}\\n\"", mark()),
        3 => format!("{}.25", mark()),
        4 => format!("-{}", mark()),
        5 => format!("0{}", mark()),
        6 if depth > 0 => {
            let elements: Vec<_> = rest.chunks(3).map(|rest| wild(rest, first, depth - 1)).collect();
            format!("[ {} ]", elements.join(" ,"))
        }
        7 if depth > 0 => {
            let member = |(index, rest)| format!("\"k{index}\": {}", wild(rest, first, depth - 1));
            let members: Vec<_> = rest.chunks(4).enumerate().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        _ => format!("\"\\ud83d{}\"", mark()),
    }
}

proptest! {
    #[test]
    fn every_scalar_of_a_wild_message_is_found_again_once(
        fields in prop::collection::hash_map(0..22_usize, prop::collection::vec(any::<u8>(), 0..12), 0..15),
        grouped in any::<bool>(),
    ) {
        const NAMES: [&str; 22] = [
            "message_id", "content", "role", "created_at", "message_order", "wa_messages", "instagram_messages",
            "messenger_messages", "conversation_id", "conversation_type", "conversation_status", "assigned_to",
            "chatbot_id", "contact_id", "channel", "extra", "exported_at", "run_id", "message", "x", "y\\u00e9", "\\ud800",
        ];
        const FIRST: u64 = 7_000_000_000;
        let mut last = FIRST;
        let members: Vec<_> =
            fields.iter().map(|(name, shape)| format!("\"{}\":{}", NAMES[*name], wild(shape, &mut last, 3))).collect();
        let message = format!("{{{}}}", members.join(", "));
        let text = if grouped {
            page_of(r#""conversation_id":"v","conversation_type":"t","assigned_to":"a","chatbot_id":"b","#, &message)
        } else {
            format!(r#"{{"data":{{"data":{{"messages":[{message}]}}}}}}"#)
        };
        let mut builders = builders();
        append(&mut builders, &read_page(&text).unwrap(), None);
        let rows = builders.take(Table::Messages).unwrap();
        let created_at = rows.message_time.clone().unwrap();
        let row = objects(&rows).remove(0);
        if let Some(extra) = row.get("extra") {
            let extra: Json = serde_json::from_str(extra.as_str().unwrap()).unwrap();
            prop_assert!(extra.is_object());
        }
        let mut kept = format!("{row:?} {:?}", created_at.iter().next());
        for record in take(&mut builders, Table::ChannelRecords) {
            kept.push_str(record["raw"].as_str().unwrap());
        }
        for mark in FIRST + 1..=last {
            prop_assert_eq!(kept.matches(&mark.to_string()).count(), 1, "{} of {} in {}", mark, message, kept);
        }
    }
}
