//! Tests of the patterns, one by one.

use super::*;

const ALL: Patterns =
    Patterns { email: true, phone: true, card: true, iban: true, ip: true, url_query: true };

/// Returns the text with the kind of each finding instead of it.
fn marked_with(known: &Known, text: &str) -> String {
    let words = Names::default();
    let found = Finder { patterns: ALL, known, words: &words }.find(text);
    let mut marked = String::new();
    let mut copied = 0;
    for finding in found {
        marked.push_str(text.get(copied..finding.start).unwrap());
        marked = marked + "<" + finding.kind.name() + ">";
        copied = finding.end;
    }
    marked + text.get(copied..).unwrap()
}

fn marked(text: &str) -> String {
    marked_with(&Known::default(), text)
}

#[test]
fn email_addresses() {
    for (text, expected) in [
        ("write to Anna.Muller+x@mail.example.com.", "write to <email>."),
        ("<anna@example.com>,b_c@d.co", "<<email>>,<email>"),
        ("mailto:анна@пример.рф!", "mailto:<email>!"),
        ("mail an müller@bücher.example; ok", "mail an <email>; ok"),
        ("anna@xn--bcher-kva.example", "<email>"),
        ("联系anna@example.com谢谢", "联系<email>谢谢"),
        ("राम@उदाहरण.भारत को", "<email> को"),
        ("anna＠example．com", "<email>"),
        ("anna @ example.com now", "<email> now"),
        ("anna (at) example (dot) com now", "<email> now"),
        ("anna[at]example.com", "<email>"),
        ("\"anna m\"@example.com", "<email>"),
        ("anna@[192.0.2.1]", "<email>"),
        ("anna%40example.com", "<email>"),
        ("anna&#64;example&period;com", "<email>"),
        (r"anna\u0040example.com", "<email>"),
        ("2 @ 3.50 each, @anna, a@b, x@1.5", "2 @ 3.50 each, @anna, <email>, <email>"),
        ("look at (at) all", "look at (at) all"),
    ] {
        assert_eq!(marked(text), expected, "{text}");
    }
}

#[test]
fn phone_numbers() {
    for (text, expected) in [
        ("call +49 (0)151 / 234-56 78 please", "call <phone> please"),
        ("+4915123456789, 004915123456789", "<phone>, <phone>"),
        ("+1 (415) 555-2671x", "<phone>x"),
        ("(+49)151-2345678", "(<phone>"),
        ("+49\u{a0}151\u{2009}234\u{2011}5678", "<phone>"),
        ("＋４９１５１２３４５６７８", "<phone>"),
        ("+٤٩ ١٥١ ٢٣٤٥٦٧٨", "<phone>"),
        ("+४९१५१२३४५६७८ है", "<phone> है"),
        ("my number: 4 9 1 5 1 2 3 4 5 6", "my number: <phone>"),
        ("4-9-1-5-1-2-3-4", "<phone>"),
        ("4\u{fe0f}\u{20e3}9\u{fe0f}\u{20e3}", "4\u{fe0f}\u{20e3}9\u{fe0f}\u{20e3}"),
        ("+49 151 2345678 2026-11-20", "<phone> 2026-11-20"),
        ("%2B4915123456789", "<phone>"),
        (
            "order 20261120, 1.000.000, +5, 00:00, 100 000 000",
            "order 20261120, 1.000.000, +5, 00:00, 100 000 000",
        ),
        ("000123456789", "000123456789"),
    ] {
        assert_eq!(marked(text), expected, "{text}");
    }
}

#[test]
fn cards_and_accounts() {
    for (text, expected) in [
        ("4111 1111 1111 1111 exp 12/27", "<card> exp 12/27"),
        ("4111-1111-1111-1111, 378282246310005", "<card>, <card>"),
        ("no 12 3782 822463 10005.", "no 12 <card>."),
        ("5555.5555.5555.4444", "<card>"),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("at 1704970757123 and 1704970757128", "at 1704970757123 and 1704970757128"),
        ("IBAN: DE89 3704 0044 0532 0130 00 thanks", "IBAN: <iban> thanks"),
        ("de89370400440532013000", "<iban>"),
        ("GB82-WEST-1234-5698-7654-32.", "<iban>."),
        ("ＤＥ８９ 3704 0044 0532 0130 00", "<iban>"),
        ("DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"),
    ] {
        assert_eq!(marked(text), expected, "{text}");
    }
}

#[test]
fn network_addresses() {
    for (text, expected) in [
        ("from 192.0.2.17:443.", "from <ip>:443."),
        ("1.2.3.4.5, 256.1.1.1, v1.2.3", "1.2.3.4.5, 256.1.1.1, v1.2.3"),
        ("[2001:db8::1], fe80::1ff:fe23:4567:890a.", "[<ip>], <ip>."),
        ("2001:0DB8:0:0:8:800:200C:417A", "<ip>"),
        ("::ffff:192.0.2.1", "<ip>"),
        ("12:30:45, std::dead, a::b, Fée: face::", "12:30:45, std::dead, a::b, Fée: face::"),
        ("https://h.example/p?token=abc&x=1 ok", "https://h.example/p?<url_query> ok"),
        ("https://h.example/p#access_token=x).", "https://h.example/p#<url_query>)."),
        ("https://user:pw@h.example/ ftp://user:pw@host/", "https://<email>/ ftp://<url_query>/"),
        ("h.example/p?id=7", "h.example/p?<url_query>"),
        ("why? a=b, https://h.example/p#part", "why? a=b, https://h.example/p#part"),
    ] {
        assert_eq!(marked(text), expected, "{text}");
    }
}

fn known() -> Known {
    let mut values = crate::redaction::KnownValues::default();
    values.name("Anna Maria");
    values.name("Müller");
    values.phone("+49 151 23456789");
    values.email("anna@example.com");
    values.contact_id("0e56f030-2a0f-41a6-bbff-856264595233");
    values.participant("US.1349871234");
    values.compile()
}

#[test]
fn known_values_in_any_spelling() {
    for (text, expected) in [
        ("Hi ANNA, Frau Mueller / muller / Mu\u{308}ller", "Hi <name>, Frau <name> / <name> / <name>"),
        ("Anna Maria's, Müllers, Banane, Annalena", "<name>'s, <name>, Banane, Annalena"),
        ("annamaria anna_maria Anna1990", "annamaria <name>_<name> <name>1990"),
        ("0151 23456789 or 0151/234 567 89", "<phone> or <phone>"),
        ("15123456789; 4915123456789; 0049 (0) 151 23456789", "<phone>; <phone>; <phone>"),
        ("4 9 1 5 1 2 3 4 5 6 7 8 9", "<phone>"),
        ("0 1 5 1\n2 3 4 5 6 7 8 9", "<phone>"),
        ("１５１２３４５６７８９", "<phone>"),
        ("id-0E56F030-2A0F-41A6-BBFF-856264595233x", "id-<id>x"),
        ("us.1349871234", "<id>"),
        ("ANNA@example.com", "<email>"),
        ("M%C3%BCller, M&uuml;ller, M\\u00fcller, M%FCller", "<name>, <name>, <name>, <name>"),
        ("wamid.HBgNNDkxNTEyMzQ1Njc4OQA=", "wamid.<phone>"),
        ("x=TcO8bGxlciBoZXJl", "x=<name>"),
        ("34393135313233343536373839", "<phone>"),
    ] {
        assert_eq!(marked_with(&known(), text), expected, "{text}");
    }
}

#[test]
fn enveloped_numbers_of_others() {
    // The form of WhatsApp's message IDs: bytes around the number of the participant.
    use base64::Engine as _;
    let bytes = b"\x1d\x18\x0c447700900123\x15\x02\x00\x11\x18\x12ABCDEF0123456789AB\x00";
    let id = format!("wamid.{}", base64::engine::general_purpose::STANDARD.encode(bytes));
    assert_eq!(marked(&id), "wamid.<phone>");
}

#[test]
fn overlapping_findings_become_one() {
    assert_eq!(marked_with(&known(), "anna.mueller@example.com"), "<email>");
    assert_eq!(marked_with(&known(), "https://x.example/?p=4915123456789"), "https://x.example/?<url_query>");
}

#[test]
fn long_texts_take_linear_time() {
    // With time that grows by the square, each of these takes minutes.
    for piece in
        ["a?a", "://", "@", "\"@", "1 ", "::", "de89", "%25", "(at)", "1.", "+", "0", "aaaaaaaaaaaa@"]
    {
        let _ = marked_with(&known(), &piece.repeat(200_000));
    }
}
