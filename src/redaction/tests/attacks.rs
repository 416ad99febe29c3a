//! Texts that a reviewer wrote to bring a value through.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// Returns the text without the values of a contact.
fn redacted(learn: impl FnOnce(&mut KnownValues), text: &str) -> String {
    let mut redaction = redaction("");
    let mut known = KnownValues::default();
    learn(&mut known);
    redaction.begin_contact(&known);
    redaction.text("test", text)
}

#[test]
fn names_in_other_spellings() {
    for (name, text, expected) in [
        ("💕Zenobia💕", "Hallo Zenobia, hallo zenobias", "Hallo [name], hallo [name]"),
        ("Zenobia❤️", "Hallo Zenobia!", "Hallo [name]!"),
        ("★Quarx★", "QUARX da?", "[name] da?"),
        ("~Zenobia1985", "Zenobia, zenobia1985", "[name], [name]"),
        ("Quarx|Vel", "Quarx et Vel", "[name] et [name]"),
        ("Juergen Mueller", "Jürgen Müller, Jurgen Muller", "[name], [name]"),
        ("Kaeser", "Käser Kaeser", "[name] [name]"),
        ("Sue", "su casa, Sue", "su casa, [name]"),
        ("Dr. O'Hara", "OHara, O’Hara, o'hara", "[name], [name], [name]"),
        ("Sean O’Brien", "Obrien und SeanOBrien", "[name] und [name]"),
        ("فاطمة", "وفاطمة فاطمه", "و[name] [name]"),
        ("يحيى", "يحيي", "[name]"),
        ("דניאל", "ודניאל", "ו[name]"),
        ("Zoë van der Quarx", "der van Quarx", "der van [name]"),
        ("Marianne", "Marian ne Annemarie", "Marian ne Annemarie"),
    ] {
        let person = |known: &mut KnownValues| match name.split_once(' ') {
            Some((first, last)) if !first.contains('.') => known.person(first, last),
            _ => known.name(name),
        };
        assert_eq!(redacted(person, text), expected, "{name}");
    }
    let long = format!("{} Zenobia", "x ".repeat(200));
    assert_eq!(redacted(|known| known.name(&long), "Hallo Zenobia"), "Hallo [name]");
}

#[test]
fn numbers_in_other_forms() {
    for (number, text, expected) in [
        (
            "+49 (0)151 23456789",
            "4915123456789 wa.me/4915123456789 15123456789",
            "[phone] wa.me/[phone] [phone]",
        ),
        ("0151 23456789 / 0171 98765432", "0049 151 23456789 und 17198765432", "[phone] und [phone]"),
        ("+1 415 555 2671 ext. 12", "415-555-2671", "[phone]"),
        ("+49 151 23456789", "0151      234      56789", "[phone]"),
        ("+49 151 23456789", "x491512345678915123456789x", "x[phone]x"),
    ] {
        assert_eq!(redacted(|known| known.phone(number), text), expected, "{number}");
    }
    for id in ["wa:4915123456789", "shop1_4915123456789"] {
        assert_eq!(redacted(|known| known.contact_id(id), "0151 23456789"), "[phone]", "{id}");
    }
    assert_eq!(redacted(|known| known.name("Tel 0151 23456789"), "015123456789"), "[phone]");
    let id = |known: &mut KnownValues| known.contact_id("0e56f030-2a0f-41a6-bbff-856264595233");
    for text in ["0e56f0302a0f41a6bbff856264595233", "0E56F030_2a0f_41a6_bbff_856264595233"] {
        assert_eq!(redacted(id, text), "[id]");
    }
    let bare = |known: &mut KnownValues| known.contact_id("0e56f0302a0f41a6bbff856264595233");
    assert_eq!(redacted(bare, "0e56f030-2a0f-41a6-bbff-856264595233"), "[id]");
}

#[test]
fn many_known_numbers_take_linear_time() {
    // With time that grows by the square, each of these takes minutes.
    let text = "15123456789".repeat(50_000);
    assert_eq!(redacted(|known| known.phone("+49 151 23456789"), &text), "[phone]");
    let many = |known: &mut KnownValues| (0..5_000).for_each(|n| known.phone(&format!("49151{:08}", n * 17)));
    let numbers: Vec<String> = (0..20_000).map(|n| format!("x{:08}", n * 7919 % 10_000_019)).collect();
    let text = numbers.join(" ");
    assert!(redacted(many, &text).len() <= text.len());
    let nested = format!("{{\"{}\":{}{}}}", "k".repeat(100_000), "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(redacted(|_| {}, &nested), nested);
}

#[test]
fn addresses_with_mistakes() {
    for (text, expected) in [
        ("foo77@gmail .com", "[email]"),
        ("foo77@gmail. com", "[email]"),
        ("foo77@gmail,com", "[email]"),
        ("foo77@\ngmail.com", "[email]"),
        ("foo77\n@gmail.com", "[email]"),
        ("foo77@gmail[.]com", "[email]"),
        ("foo77@gmail com", "[email] com"),
        ("foo77@localhost", "[email]"),
        ("foo77(@)gmail.com", "[email]"),
        ("foo77/bar@gmail.com foo77&bar@gmail.com", "[email] [email]"),
        ("mail foo77@gmail.com. Danke, gut", "mail [email]. Danke, gut"),
        ("https://x.example/p/foo77@gmail.com", "https://x.example/p/[email]"),
        (r"zen\u{202e}99@private.example", "[email]"),
        ("zen99=40private.example", "[email]"),
        ("zen99%u0040private.example", "[email]"),
    ] {
        assert_eq!(redacted(|_| {}, text), expected, "{text}");
    }
    let utf16: Vec<u8> = "to foo77@gmail.com".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = STANDARD.encode("x".repeat(50) + " foo77@gmail.com and more text behind the address of that");
    let lines = format!("{}\n{}", long.get(..76).unwrap(), long.get(76..).unwrap());
    for text in [STANDARD.encode(utf16), lines, "666f6f373740676d61696c2e636f6d0a".to_owned()] {
        assert_eq!(redacted(|_| {}, &text), "[email]", "{text}");
    }
    for text in ["Zen\u{3164}obia", "Zen\u{2800}obia", "Zen\u{1}obia", "Zen\u{fffd}obia"] {
        assert_eq!(redacted(|known| known.name("Zenobia"), text), "[name]", "{text:?}");
    }
    for text in ["kb77@private .example", "kb77 @ private. example", "kb77 (at) private (dot) example"] {
        let redacted = redacted(|known| known.email("kb77@private.example"), text);
        assert_eq!(redacted, "[email]", "{text}");
    }
}

#[test]
fn numbers_of_cards_accounts_and_networks() {
    for (text, expected) in [
        ("4111  1111  1111  1111", "[card]"),
        ("4111 - 1111 - 1111 - 1111", "[card]"),
        ("4111\n1111\n1111\n1111", "[card]"),
        ("4111, 1111, 1111, 1111", "[card]"),
        ("4111|1111|1111|1111", "[card]"),
        ("4111111111111111123", "[card]"),
        (r#"{"n":4.111111111111111e15}"#, r#"{"n":"[card]"}"#),
        ("DE89\n3704\n0044\n0532\n0130\n00", "[iban]"),
        ("DE89   3704   0044   0532   0130   00", "[iban]"),
        ("DE89/3704/0044/0532/0130/00", "[iban]"),
        ("IBANDE89370400440532013000", "IBAN[iban]"),
        ("xDE89370400440532013000 1DE89370400440532013000", "x[iban] 1[iban]"),
        ("IP:2001:db8::8a2e:370:7334", "IP:[ip]"),
        ("ipv6:2001:db8::8a2e:370:7334", "ipv6:[ip]"),
        ("https://x.example/?a=1\\&t=TOKEN y", "https://x.example/?[url_query] y"),
        ("https://x.example/?a=<b>&t=TOKEN y", "https://x.example/?[url_query] y"),
        ("https://x.example/?a=1<br>Text", "https://x.example/?[url_query]<br>Text"),
        ("https://x.example/p;token=TOKEN", "https://x.example/p;[url_query]"),
        ("www.x.example/a?TOKEN", "www.x.example/a?[url_query]"),
        ("call 1 +4915123456789 +4915123456780+4915123456781", "call 1 [phone] [phone][phone]"),
    ] {
        assert_eq!(redacted(|_| {}, text), expected, "{text}");
    }
    for text in [
        "10.000.000.000",
        "10:30::45",
        "100 + 20000000 = 100+20000000",
        "2023-2024-2025-2026",
        "1 2 3 4 5 6 7 8 9 10",
        "ad89370400440532013000370400440532013000370400440532013000000000",
    ] {
        assert_eq!(redacted(|_| {}, text), text);
    }
}

#[test]
fn a_value_that_is_cut_goes() {
    let mut redaction = redaction("[columns]\n\"coverage.error\" = \"detect\"\n");
    let mut known = KnownValues::default();
    known.name("Zenobia");
    redaction.begin_contact(&known);
    let replaced = text::Replaced::new();
    for (text, expected) in [
        ("response 500: {\"mail\":\"longname77@priva", Some("response 500: {\"mail\":\"[email]")),
        ("starts with 49151…", Some("starts with [id]…")),
        ("starts with \"Zeno\"", Some("starts with \"[id]\"")),
        ("of a@b.example", Some("of [email]")),
        ("status 500", None),
    ] {
        assert_eq!(redaction.redactor().redact_cut(text, &replaced).as_deref(), expected, "{text}");
    }
}

#[test]
fn values_are_learned_from_all_extra_members() {
    let people = r#"{"contactName":"Zenobia","waId":"4915123456789","nested":{"business_name":"Quarx Ltd"}}"#;
    let learn = |known: &mut KnownValues| {
        for table in [Table::Contacts, Table::Conversations, Table::Messages] {
            known.add(table, &rows::row(table, &[("extra", people)]));
        }
    };
    assert_eq!(redacted(learn, "Zenobia 0151 23456789 Quarx"), "[name] [phone] [name]");
    let learn = |known: &mut KnownValues| {
        known.add(Table::Messages, &rows::row(Table::Messages, &[("extra", people)]));
    };
    assert_eq!(redacted(learn, "Zenobia 0151 23456789 Quarx"), "[name] [phone] Quarx");
}
