//! The text of a message: a line of a dialogue, with the names and numbers of its contact.

use super::json_out::put;
use super::message::Message;
use super::rng::Rng;

/// Appends the text, escaped for a JSON string.
pub fn say(message: &Message<'_>, out: &mut String) {
    let language = message.contact.language;
    let mut scene = Rng::new(message.conversation.key, 1 + message.rank / 6);
    let script = scene.pick(language.scripts);
    let number = 100_000 + scene.below(900_000);
    let mut rng = Rng::new(message.key, 1);
    let turn = usize::try_from(message.rank % 6).expect("below six");
    let name = &message.contact.first_name;
    fill(out, script[turn], name, number);
    if rng.one_in(3) {
        out.push_str(if rng.one_in(4) { "\\n\\n" } else { " " });
        let more = *rng.pick(language.more);
        fill(out, more, name, number);
    }
    if let Some(canaries) = &message.contact.canaries {
        canaries.say(message.index, out);
    }
}

/// Appends a line with its placeholders replaced: `@` by the name, `#` by the number.
fn fill(out: &mut String, line: &str, name: &str, number: u64) {
    for piece in line.split_inclusive(['@', '#']) {
        if let Some(before) = piece.strip_suffix('@') {
            put!(out, "{before}{name}");
        } else if let Some(before) = piece.strip_suffix('#') {
            put!(out, "{before}{number}");
        } else {
            out.push_str(piece);
        }
    }
}
