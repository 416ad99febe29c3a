//! Candidates for the decoder, on the real pages: from the text to the messages' ids and their opaque members.
//!
//! serde_json, sonic-rs and simd-json are given the easiest form of the task: documented fields only, everything else
//! thrown away, and no text but strict JSON. Ours keeps each value as it was sent, unknown ones too.

use std::borrow::Cow;
use std::sync::LazyLock;

use chatzy_export::internals::record::{read_json, read_page};
use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use serde::Deserialize;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

static PAGES: LazyLock<Vec<String>> = LazyLock::new(|| chatzy_export_benches::pages(40));

fn main() {
    divan::main();
}

/// Runs over all pages; the figure is of all of them.
fn each(bencher: Bencher<'_, '_>, decode: impl Fn(&str) -> usize + Sync) {
    let bytes: usize = PAGES.iter().map(String::len).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| PAGES.iter().map(|page| decode(black_box(page))).sum::<usize>());
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Data<T>,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Records<M> {
    conversations: Vec<Conversation<M>>,
}

#[derive(Deserialize)]
struct Conversation<M> {
    messages: Vec<M>,
}

/// A message whose records stay text.
#[derive(Deserialize)]
struct WithRaw<'a> {
    #[serde(borrow)]
    message_id: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    wa_messages: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct WithLazy<'a> {
    #[serde(borrow)]
    message_id: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    wa_messages: sonic_rs::LazyValue<'a>,
}

type Of<M> = Answer<Records<M>>;

#[divan::bench]
fn ours_into_places(bencher: Bencher<'_, '_>) {
    each(bencher, |page| read_json(page).expect("JSON").memory());
}

#[divan::bench]
fn ours_into_a_page(bencher: Bencher<'_, '_>) {
    each(bencher, |page| read_page(&read_json(page).expect("JSON")).expect("a page").message_count());
}

#[divan::bench]
fn serde_json_typed_with_raw_records(bencher: Bencher<'_, '_>) {
    each(bencher, |page| {
        let answer: Of<WithRaw<'_>> = serde_json::from_str(page).expect("JSON");
        let messages = answer.data.data.conversations.iter().flat_map(|conversation| &conversation.messages);
        messages
            .map(|m| {
                m.message_id.len() + m.content.as_deref().map_or(0, str::len) + m.wa_messages.get().len()
            })
            .sum()
    });
}

#[divan::bench]
fn serde_json_tree(bencher: Bencher<'_, '_>) {
    each(bencher, |page| {
        let tree: serde_json::Value = serde_json::from_str(page).expect("JSON");
        tree["data"]["data"]["conversations"].as_array().map_or(0, Vec::len)
    });
}

#[divan::bench]
fn sonic_rs_typed_with_lazy_records(bencher: Bencher<'_, '_>) {
    each(bencher, |page| {
        let answer: Of<WithLazy<'_>> = sonic_rs::from_str(page).expect("JSON");
        let messages = answer.data.data.conversations.iter().flat_map(|conversation| &conversation.messages);
        messages
            .map(|m| {
                m.message_id.len()
                    + m.content.as_deref().map_or(0, str::len)
                    + m.wa_messages.as_raw_str().len()
            })
            .sum()
    });
}

#[divan::bench]
fn sonic_rs_tree(bencher: Bencher<'_, '_>) {
    use sonic_rs::{JsonContainerTrait, JsonValueTrait};
    each(bencher, |page| {
        let tree: sonic_rs::Value = sonic_rs::from_str(page).expect("JSON");
        tree.pointer(["data", "data", "conversations"])
            .and_then(|list| list.as_array().map(|list| list.len()))
            .unwrap_or(0)
    });
}

/// With the copy that it needs, since it writes into its input.
#[divan::bench]
fn simd_json_tape(bencher: Bencher<'_, '_>) {
    each(bencher, |page| {
        let mut bytes = page.as_bytes().to_vec();
        simd_json::to_tape(&mut bytes).expect("JSON").0.len()
    });
}
