use serde_json::Value;

use super::render::{self, Naming};
use super::*;
use crate::options::WildKind;

const TAME: Wild = Wild { chance: 0.0, kind: WildKind::All };
const STORY: Story = Story { seed: 7, max_messages: 100_000, receipts: 1.0, wild: TAME, has_canaries: false };

fn messages_of(story: &Story, id: &str, count: u64) -> Vec<Value> {
    let contact = story.contact(id).unwrap();
    let written = (0..count).map(|index| {
        let mut text = String::new();
        render::write(&Message::new(&contact, index), &mut text, Naming::Bare);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    });
    written.collect()
}

#[test]
fn messages_are_valid_and_of_a_lifelike_size() {
    let mut bytes = 0;
    for contact in 0..40 {
        let messages = messages_of(&STORY, &format!("messages-100-{contact}"), 100);
        bytes += messages.iter().map(|message| message.to_string().len()).sum::<usize>();
    }
    let average = bytes / 4000;
    assert!((720..820).contains(&average), "{average} bytes a message");
}

#[test]
fn receipts_make_up_the_records_beyond_one_a_message() {
    let records_of = |receipts| {
        let story = Story { receipts, ..STORY };
        let messages: Vec<Value> = (0..40)
            .flat_map(|contact| messages_of(&story, &format!("messages-100-{contact}"), 100))
            .collect();
        let arrays = ["wa_messages", "instagram_messages", "messenger_messages"];
        let count = |message: &Value| {
            arrays.iter().map(|name| message[name].as_array().map_or(0, Vec::len)).sum::<usize>()
        };
        messages.iter().map(count).sum::<usize>()
    };
    let (none, half, all) = (records_of(0.0), records_of(0.5), records_of(1.0));
    assert!(
        none < 4_000 && (4_400..5_200).contains(&half) && (5_800..6_600).contains(&all),
        "{none} {half} {all}"
    );
}

#[test]
fn the_same_seed_and_id_give_the_same_bytes_and_another_seed_others() {
    let id = "messages-50-a";
    assert_eq!(messages_of(&STORY, id, 50), messages_of(&STORY, id, 50));
    assert_ne!(messages_of(&STORY, id, 50), messages_of(&Story { seed: 8, ..STORY }, id, 50));
    assert_ne!(messages_of(&STORY, id, 50), messages_of(&STORY, "messages-50-b", 50));
}

#[test]
fn orders_count_up_inside_each_conversation_and_ids_are_unique() {
    let contact = STORY.contact("messages-700-x").unwrap();
    let mut last = vec![0; contact.conversations.len()];
    let mut ids = std::collections::HashSet::new();
    for index in 0..700 {
        let message = Message::new(&contact, index);
        let owner = contact.timeline.owner(index);
        assert_eq!(message.rank, last[owner]);
        last[owner] += 1;
        assert!(ids.insert(message.id().to_string()));
    }
}

#[test]
fn hints_fix_the_size_and_other_ids_have_a_heavy_tail() {
    assert_eq!(STORY.size("messages-3200-x"), Size::Messages(3200));
    assert_eq!(STORY.size("messages-0"), Size::Messages(0));
    assert_eq!(STORY.size("poison-30-x"), Size::Messages(30));
    assert_eq!(STORY.size("empty-x"), Size::Messages(0));
    assert_eq!(STORY.size("unknown-x"), Size::Unknown);

    let sizes: Vec<Size> = (0..10_000).map(|n| STORY.size(&format!("contact {n}"))).collect();
    let share = |test: &dyn Fn(&Size) -> bool| sizes.iter().filter(|size| test(size)).count();
    let unknown = share(&|size| *size == Size::Unknown);
    let empty = share(&|size| *size == Size::Messages(0));
    let small = share(&|size| matches!(size, Size::Messages(1..=40)));
    let long = share(&|size| matches!(size, Size::Messages(1001..)));
    assert!((100..300).contains(&unknown) && (100..300).contains(&empty), "{unknown} unknown, {empty} empty");
    assert!((4500..5100).contains(&small), "{small} up to the median");
    assert!((150..450).contains(&long), "{long} long ones");
}

#[test]
fn canaries_are_in_texts_and_records() {
    let story = Story { has_canaries: true, ..STORY };
    let messages: Vec<Value> =
        (0..8).flat_map(|id| messages_of(&story, &format!("messages-60-{id}"), 60)).collect();
    let all = messages.iter().map(|message| message.to_string().to_lowercase()).collect::<String>();
    // Some numbers are only written in groups of digits.
    let ungrouped = all.replace('\u{a0}', "");
    for id in 0..8 {
        let canaries = story.contact(&format!("messages-60-{id}")).unwrap().canaries.unwrap();
        let list: Vec<Value> = serde_json::from_str(&canaries.list()).unwrap();
        for value in list.iter().map(|canary| canary["value"].as_str().unwrap()) {
            let value = value.to_lowercase();
            assert!(all.contains(&value) || ungrouped.contains(&value), "{value}");
        }
    }
    assert!(all.contains("\"wa_messages\":[{"));
}
