//! Canaries: made-up personal data that tests look for in the output of a redaction.
//!
//! They are in the contact's object, in the texts and in the records, in the spellings and encodings that people
//! and platforms use. No other text of the simulator contains them.

use super::json_out::{Quoted, put};
use super::rng::Rng;

/// The canaries of one contact.
#[derive(Clone, Debug)]
pub struct Canaries {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    phone: String,
    national: String,
    email: String,
    other_email: String,
    other_phone: String,
    card: String,
    iban: String,
    ipv4: String,
    ipv6: String,
    token: String,
}

/// Digits of a phone number after the prefix of its language.
const SUBSCRIBER: usize = 9;

const LETTERS: &[u8; 16] = b"bdfgklmnprstvwxz";
const VOWELS: &[u8; 5] = b"aeiou";

impl Canaries {
    /// The canaries of the contact with this key and phone number.
    pub fn new(key: u64, phone: &str) -> Self {
        let mut rng = Rng::new(key, 10);
        let (first, last) = (word(&mut rng, 3), word(&mut rng, 4));
        let digits = |rng: &mut Rng, count: usize| -> String {
            (0..count).map(|_| char::from(*rng.pick(b"0123456789"))).collect()
        };
        let account = digits(&mut rng, 18);
        let body = format!("4000{}", digits(&mut rng, 11));
        let [high, low] = [rng.below(65_536), 4096 + rng.below(61_440)];
        Self {
            email: format!("{last}.{first}@privat.example"),
            other_email: format!("{}@dritte.example", word(&mut rng, 5)),
            other_phone: format!("447700{}", digits(&mut rng, 6)),
            card: with_check_digit(&body),
            iban: iban(&account),
            ipv4: format!("203.0.{}.{}", 100 + rng.below(100), 100 + rng.below(100)),
            ipv6: format!("2001:db8:{high:x}::{low:x}"),
            token: format!("tok_{}", word(&mut rng, 9)),
            national: phone.get(phone.len() - SUBSCRIBER..).unwrap_or_default().to_owned(),
            phone: phone.to_owned(),
            first_name: format!("Ÿ{first}"),
            last_name: format!("Ö{last}"),
        }
    }

    /// The members that the contact's object has beside the documented ones.
    pub fn profile(&self) -> String {
        let mut json = String::new();
        put!(&mut json, "{{\"name\":\"{} {}\",\"phones\":[{}", self.first_name, self.last_name, self.phone);
        put!(&mut json, ",\"+{}\"],\"email\":\"{}\"}}", spaced(&self.phone, 3, "-"), self.email);
        json
    }

    /// Appends a sentence with a canary to the text of message `index`, escaped for a JSON string.
    pub fn say(&self, index: u64, out: &mut String) {
        let Self { first_name, last_name, phone, national, email, .. } = self;
        let upper = last_name.to_uppercase();
        let sentence = match index % 14 {
            0 => format!("My name is {first_name} {last_name}, my number is +{phone}."),
            1 => format!("{upper}! I said {} {}", spaced(phone, 1, " "), upper),
            2 => format!("Call 0{} or (0{national}).", spaced(national, 3, "-")),
            3 => format!("Mail {} or {}.", email.to_uppercase(), email.replace('@', " (at) ")),
            4 => format!("My aunt: {}, +{}", self.other_email, spaced(&self.other_phone, 4, "\u{a0}")),
            5 => format!("Card {}, not {}", spaced(&self.card, 4, " "), self.card),
            6 => format!("IBAN {} or {}", spaced(&self.iban, 4, " "), self.iban.to_lowercase()),
            7 => format!("I come from {} and {}.", self.ipv4, self.ipv6),
            8 => format!("See https://shop.example/me?token={}&x=1", self.token),
            9 => format!("Code {}", base64(format!("tel={phone};name={last_name}").as_bytes())),
            10 => format!("https://shop.example/{}/%2B{phone}", percent(last_name)),
            11 => format!("Zahl {} ok", phone.chars().map(full_width).collect::<String>()),
            12 => format!("{{\"who\":\"{last_name}\",\"tel\":\"+{phone}\",\"n\":{phone}}}"),
            _ => format!("&#43;{} and {}", spaced(phone, 2, "&nbsp;"), arabic(phone)),
        };
        // A text that is JSON has nothing before it.
        if sentence.starts_with('{') {
            out.clear();
        } else {
            out.push(' ');
        }
        let quoted = Quoted(&sentence).to_string();
        out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
    }

    /// WhatsApp's ID of a message: bytes that contain the number of the participant.
    pub fn wamid(&self, random: &mut Rng) -> String {
        let mut bytes = vec![0x1c, 0x18, u8::try_from(self.phone.len()).unwrap_or_default()];
        bytes.extend(self.phone.bytes());
        bytes.extend([0x15, 0x02, 0x00, 0x11, 0x18, 0x12]);
        bytes.extend((0..18).map(|_| *random.pick(b"0123456789ABCDEF")));
        bytes.push(0);
        format!("wamid.{}", base64(&bytes))
    }

    /// The list of the canaries as JSON: kind and value. Numbers are listed by their digits.
    pub fn list(&self) -> String {
        let Self { first_name, last_name, phone, national, email, other_email, other_phone, .. } = self;
        let list = [
            ("name", first_name),
            ("name", last_name),
            ("phone", phone),
            ("phone", national),
            ("email", email),
            ("email", other_email),
            ("phone", other_phone),
            ("card", &self.card),
            ("iban", &self.iban),
            ("ip", &self.ipv4),
            ("ip", &self.ipv6),
            ("url_query", &self.token),
        ];
        let item = |(kind, value): (&str, &String)| format!("{{\"kind\":\"{kind}\",\"value\":\"{value}\"}}");
        format!("[{}]", list.map(item).join(","))
    }
}

fn word(rng: &mut Rng, syllables: usize) -> String {
    let syllable = |_| [char::from(*rng.pick(LETTERS)), char::from(*rng.pick(VOWELS))];
    (0..syllables).flat_map(syllable).collect()
}

fn spaced(text: &str, size: usize, between: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let groups: Vec<String> = chars.chunks(size).map(|group| group.iter().collect()).collect();
    groups.join(between)
}

/// A card number with its check digit (Luhn).
fn with_check_digit(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A German account with its check digits.
fn iban(account: &str) -> String {
    // D is 13, E is 14.
    let remainder =
        format!("{account}131400").bytes().fold(0, |rest, byte| (rest * 10 + u32::from(byte - b'0')) % 97);
    format!("DE{:02}{account}", 98 - remainder)
}

fn percent(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        put!(&mut escaped, "%{byte:02X}");
    }
    escaped
}

fn full_width(digit: char) -> char {
    char::from_u32(0xff10 + digit.to_digit(10).unwrap_or_default()).unwrap_or(digit)
}

fn arabic(digits: &str) -> String {
    let digit = |digit: char| char::from_u32(0x660 + digit.to_digit(10).unwrap_or_default()).unwrap_or(digit);
    digits.chars().map(digit).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or_default());
        let value = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let six = usize::try_from(value >> (18 - 6 * place) & 63).unwrap_or_default();
            text.push(if place <= group.len() { char::from(ALPHABET[six]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_valid_check_digits() {
        assert_eq!(with_check_digit("411111111111111"), "4111111111111111");
        assert_eq!(iban("370400440532013000"), "DE89370400440532013000");
        assert_eq!(base64(b"hello"), "aGVsbG8=");
    }

    #[test]
    fn every_sentence_is_the_content_of_a_json_string() {
        let canaries = Canaries::new(7, "4915123456789");
        for index in 0..14 {
            let mut text = "Hello".to_owned();
            canaries.say(index, &mut text);
            let read: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert!(read.len() > 20, "{read}");
        }
        assert!(
            serde_json::from_str::<serde_json::Value>(&canaries.list()).unwrap().as_array().unwrap().len()
                > 10
        );
        serde_json::from_str::<serde_json::Value>(&canaries.profile()).unwrap();
    }
}
