//! Transcripts in a browser: scripts of all directions, long and hostile texts, phones, the dark, paper.

use std::path::Path;

use serde_json::{Value, json};

use super::evidence_of;
use crate::support::browser::Browser;
use crate::support::export::{Export, tree};
use crate::support::scripted::{Answer, Asked, Scripted};

/// Width of a small phone, in pixels.
const PHONE: u32 = 360;
/// Makes the browser prefer dark pages.
const DARK: &str = "--blink-settings=preferredColorScheme=0";

/// A contact of a scripted API.
pub struct Chat {
    id: &'static str,
    name: &'static str,
    phone: &'static str,
    texts: Vec<String>,
}

impl Chat {
    /// A contact that writes in many scripts, at length, and with bad intent.
    pub fn wild() -> Self {
        let long = "नमस्ते दुनिया, یہ ایک لمبا پیغام ہے। ".repeat(1_700);
        let texts = [
            "مرحبا، كيف حالك؟ طلبي رقم ١٢٣ لم يصل بعد (order #123).",
            "नमस्ते, मेरा ऑर्डर कब आएगा? क्षत्रिय ज्ञान",
            "你好世界 こんにちは 한국어 안녕하세요",
            "😀👍🏽 👨‍👩‍👧 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} ❤️ 🇩🇪",
            "שלום, מה שלומך?\nשורה שנייה",
            "=HYPERLINK(\"http://evil.example/\",\"click\")",
            "+49 30 1234567",
            "@SUM(1+1)*cmd|' /C calc'!A0",
            "-1+2",
            "0012",
            "12345678901234567890",
            "2026-01-02",
            "<script>document.title='evil'</script><img src=\"http://evil.example/x.png\"><b>bold</b>",
            "\u{202e}txt.exe\u{202c} \u{1b}[31m red \u{200b}\u{feff}",
            "a, \"quoted\"; semi\ttab\r\nnext line",
            "",
        ];
        let mut texts: Vec<String> = texts.map(str::to_owned).to_vec();
        texts.push("x".repeat(3000));
        texts.push(format!("https://shop.example/{}", "path/".repeat(200)));
        texts.push(long.chars().take(60_000).collect());
        Self { id: "wild", name: "محمد 王小明 <i>Müller</i>", phone: "+491701234567", texts }
    }

    /// A contact with this many short messages.
    fn of(count: usize) -> Self {
        let texts = (0..count).map(|number| format!("message number {number}")).collect();
        Self { id: "many", name: "Ada", phone: "", texts }
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let number = |name: &str| asked.query.get(name).and_then(|text| text.parse().ok()).unwrap_or(0_usize);
        let message = |(place, text): (usize, &String)| {
            json!({
                "message_id": format!("{}-{place}", self.id), "content": text, "message_order": place,
                "role": if place % 3 == 2 { "assistant" } else { "user" },
                "created_at": format!("2026-01-{:02}T09:{:02}:{:02}Z", 1 + place / 3600, place / 60 % 60, place % 60),
            })
        };
        let all = self.texts.iter().enumerate().skip(number("offset")).take(number("limit"));
        let messages: Vec<Value> = all.map(message).collect();
        let conversations = if messages.is_empty() {
            json!([])
        } else {
            json!([{"conversation_id": format!("conversation-{}", self.id), "conversation_type": "whatsapp", "messages": messages}])
        };
        let contact = json!({"contact_id": self.id, "first_name": self.name, "phone_number": self.phone});
        Answer::new(
            200,
            json!({"data": {"data": {"contact": contact, "conversations": conversations}}}).to_string(),
        )
    }
}

/// An API with these contacts.
pub fn serve(chats: Vec<Chat>) -> Scripted {
    Scripted::api(move |asked| match chats.iter().find(|chat| chat.id == asked.contact()) {
        Some(chat) => chat.answer(asked),
        None => Answer::message(404, "not found"),
    })
}

/// A package of these contacts, with the command that made it.
fn package(chats: Vec<Chat>, options: &str) -> Export {
    let ids: Vec<&str> = chats.iter().map(|chat| chat.id).collect();
    let server = serve(chats);
    let export = Export::run_of(server.url(), ids);
    export.expect(0);
    let command = evidence_of(&export, options);
    command.expect(0);
    command
}

/// The pages of a package.
fn pages(package: &Path) -> Vec<String> {
    tree(package)
        .into_iter()
        .filter(|path| Path::new(path).extension().is_some_and(|end| end == "html"))
        .collect()
}

#[test]
fn no_page_is_wider_than_a_phone_or_asks_for_anything() {
    let command = package(vec![Chat::wild()], "--reference Akte-17 --time-zone Europe/Berlin");
    let out = command.out_path();
    let Some(browser) = Browser::of(out, "no_page_is_wider_than_a_phone_or_asks_for_anything") else {
        return;
    };
    let pages = pages(out);
    assert_eq!(pages.len(), 3, "cover, custody record, transcript: {pages:?}");
    for (page, width) in pages.iter().flat_map(|page| [PHONE, 1200].map(|width| (page, width))) {
        let seen = browser.measure(page, width, &[]);
        assert_eq!(seen["width"], width, "{page}");
        assert!(seen["scrollWidth"].as_u64() <= Some(width.into()), "{page} at {width}: {}", seen["wide"]);
        assert_eq!(seen["wide"], json!([]), "{page} at {width}");
        assert_eq!(seen["foreign"], 0, "{page}: no script, image, frame or form");
        assert!(!seen["title"].as_str().unwrap().contains("evil"), "{page}");
        for link in seen["links"].as_array().unwrap() {
            let link = link.as_str().unwrap();
            let path = Path::new(page).parent().unwrap().join(link.split('#').next().unwrap());
            assert!(link.starts_with('#') || out.join(&path).exists(), "{page}: {link}");
        }
    }
    let expected: Vec<String> =
        pages.iter().flat_map(|page| [page, page]).map(|page| format!("/{page}")).collect();
    let asked: Vec<String> = browser.asked();
    assert_eq!(asked.len(), expected.len(), "only the pages themselves: {asked:?}");
    assert!(asked.iter().zip(&expected).all(|(asked, page)| asked.ends_with(page.as_str())), "{asked:?}");
}

#[test]
fn texts_are_whole_and_run_in_their_own_direction() {
    let command = package(vec![Chat::wild()], "");
    let Some(browser) = Browser::of(command.out_path(), "texts_are_whole_and_run_in_their_own_direction")
    else {
        return;
    };
    let seen = browser.measure("data/transcripts/00001/page-001.html", PHONE, &[]);
    let wild = Chat::wild().texts;
    assert_eq!(seen["messages"], wild.len());
    let texts = seen["texts"].as_array().unwrap();
    assert_eq!(texts.len(), wild.iter().filter(|text| !text.is_empty()).count(), "one text is empty");
    let direction = |start: &str| {
        let text = texts.iter().find(|text| text["start"].as_str().unwrap().starts_with(start));
        text.unwrap_or_else(|| panic!("{start}"))["direction"].as_str().unwrap().to_owned()
    };
    for start in ["مرحبا", "שלום"] {
        assert_eq!(direction(start), "rtl", "{start}");
    }
    for start in ["नमस्ते", "你好", "😀", "=HYPER", "<script>"] {
        assert_eq!(direction(start), "ltr", "{start}");
    }
    let lengths: Vec<u64> = texts.iter().map(|text| text["length"].as_u64().unwrap()).collect();
    assert!(lengths.contains(&60_000) && lengths.contains(&3000), "{lengths:?}");
}

#[test]
fn pages_are_dark_for_those_who_prefer_it() {
    let command = package(vec![Chat::of(3)], "");
    let Some(browser) = Browser::of(command.out_path(), "pages_are_dark_for_those_who_prefer_it") else {
        return;
    };
    let brightness = |arguments: &[&str], part: &str| {
        let seen = browser.measure("data/transcripts/00001/page-001.html", PHONE, arguments);
        let color = seen[part].as_str().unwrap().to_owned();
        let numbers = color.trim_start_matches("rgb(").trim_end_matches(')').split(", ");
        numbers.map(|number| number.parse::<u32>().expect(&color)).sum::<u32>() / 3
    };
    assert!(brightness(&[], "background") > 200 && brightness(&[], "ink") < 60);
    assert!(brightness(&[DARK], "background") < 60 && brightness(&[DARK], "ink") > 200);
}

/// Messages outside of the window are skipped on the screen, but not on paper.
#[test]
fn a_page_of_a_thousand_messages_prints_whole() {
    let command = package(vec![Chat::of(1000)], "");
    let Some(browser) = Browser::of(command.out_path(), "a_page_of_a_thousand_messages_prints_whole") else {
        return;
    };
    let pdf = command.path("page.pdf");
    let printed = browser.print("data/transcripts/00001/page-001.html", &pdf);
    assert!((40..120).contains(&printed.sheets), "{printed:?}");
    // Cite number, sender, direction, time and text of each message.
    assert!(printed.texts > 5000, "{printed:?}");
}

/// Writes pictures for a person to look at, into the folder that PICTURES names.
#[test]
#[ignore = "for the eyes of a person: PICTURES=DIR cargo test --test it -- --ignored pictures"]
fn pictures() {
    let Some(folder) = std::env::var_os("PICTURES") else { return };
    let command =
        package(vec![Chat::wild(), Chat::of(1200)], "--reference Akte-17 --time-zone Europe/Berlin");
    let Some(browser) = Browser::of(command.out_path(), "pictures") else { return };
    let to = |name: &str| Path::new(&folder).join(name);
    let transcript = "data/transcripts/00001/page-001.html";
    browser.picture("data/index.html", (1000, 1100), &[], &to("cover.png"));
    browser.picture("data/custody/custody.html", (1000, 1400), &[], &to("custody.png"));
    browser.picture(transcript, (1000, 1600), &[], &to("wide.png"));
    browser.picture(transcript, (500, 1600), &[], &to("narrow.png"));
    browser.picture(transcript, (1000, 1600), &[DARK], &to("dark.png"));
    browser.picture("data/transcripts/00002/page-002.html", (1000, 900), &[], &to("second.png"));
    let printed = browser.print(transcript, &to("wild.pdf"));
    assert!(printed.sheets > 5, "{printed:?}");
}
