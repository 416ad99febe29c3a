//! Languages with their names and phone prefixes.

use super::text::{self, Script};

/// A language with the names of its speakers.
#[derive(Debug)]
pub struct Language {
    /// The language code of templates.
    pub code: &'static str,
    /// Phone prefix without the plus sign.
    pub prefix: &'static str,
    /// First names.
    pub first: &'static [&'static str],
    /// Last names. Some people have an empty one.
    pub last: &'static [&'static str],
    /// Dialogues between a customer and the support team.
    pub scripts: &'static [Script],
    /// Sentences that fit after any other.
    pub more: &'static [&'static str],
}

/// The languages. English is listed twice to be more frequent.
pub static LANGUAGES: [&Language; 10] =
    [&ENGLISH, &ENGLISH, &SPANISH, &PORTUGUESE, &GERMAN, &SWEDISH, &FRENCH, &HINDI, &ARABIC, &JAPANESE];

/// Names of the agents.
pub static AGENTS: [&str; 8] = [
    "maria.silva",
    "tom.baker",
    "åsa.lindqvist",
    "priya.nair",
    "j.okafor",
    "lucía.gómez",
    "chen.wei",
    "support",
];

static ENGLISH: Language = Language {
    code: "en_US",
    prefix: "1",
    first: &["Emma", "Liam", "Olivia", "Noah", "Aisha", "Siobhán", "Zoë", "Michael", "Grace", "Dwayne"],
    last: &["Smith", "O'Connor", "Johnson", "Nguyen", "Brown", "Patel", "Walker", "de la Cruz", "Lee", ""],
    scripts: &text::ENGLISH,
    more: &text::ENGLISH_MORE,
};

static SPANISH: Language = Language {
    code: "es_MX",
    prefix: "52",
    first: &["José", "Lucía", "Andrés", "María Fernanda", "Íñigo", "Sofía", "Ramón", "Begoña"],
    last: &["García", "Núñez", "López", "Hernández", "Muñoz", "Ibáñez", "Peña", ""],
    scripts: &text::SPANISH,
    more: &text::SPANISH_MORE,
};

static PORTUGUESE: Language = Language {
    code: "pt_BR",
    prefix: "55",
    first: &["João", "Conceição", "Tiago", "Mariana", "Antônio", "Beatriz", "Luís"],
    last: &["Silva", "Araújo", "Gonçalves", "Conceição", "Assunção", "Souza", ""],
    scripts: &text::PORTUGUESE,
    more: &text::PORTUGUESE_MORE,
};

static GERMAN: Language = Language {
    code: "de",
    prefix: "49",
    first: &["Jürgen", "Käthe", "Lukas", "Sören", "Anneliese", "Björn", "Mia"],
    last: &["Müller", "Weiß", "Schäfer", "Groß", "Öztürk", "Becker", ""],
    scripts: &text::GERMAN,
    more: &text::GERMAN_MORE,
};

static SWEDISH: Language = Language {
    code: "sv",
    prefix: "46",
    first: &["Åsa", "Örjan", "Märta", "Björn", "Elsa", "Göran", "Saga"],
    last: &["Öberg", "Åkesson", "Sjöström", "Lindqvist", "Hägg", ""],
    scripts: &text::SWEDISH,
    more: &text::SWEDISH_MORE,
};

static FRENCH: Language = Language {
    code: "fr",
    prefix: "33",
    first: &["Chloé", "Noël", "Hélène", "François", "Anaïs", "Théo", "Maëlle"],
    last: &["Dubois", "Lefèvre", "Garçon", "Benoît", "D'Arc", "Müller", ""],
    scripts: &text::FRENCH,
    more: &text::FRENCH_MORE,
};

static HINDI: Language = Language {
    code: "hi",
    prefix: "91",
    first: &["प्रिया", "अर्जुन", "अनन्या", "राहुल", "मीना", "विक्रम"],
    last: &["शर्मा", "वर्मा", "पटेल", "सिंह", "नायर", ""],
    scripts: &text::HINDI,
    more: &text::HINDI_MORE,
};

static ARABIC: Language = Language {
    code: "ar",
    prefix: "971",
    first: &["محمد", "فاطمة", "خالد", "ليلى", "يوسف", "نور"],
    last: &["الحسن", "العلي", "حداد", "منصور", "الزهراني", ""],
    scripts: &text::ARABIC,
    more: &text::ARABIC_MORE,
};

static JAPANESE: Language = Language {
    code: "ja",
    prefix: "81",
    first: &["葵", "陽翔", "結衣", "大翔", "さくら", "蓮"],
    last: &["佐藤", "鈴木", "高橋", "田中", "渡邊", ""],
    scripts: &text::JAPANESE,
    more: &text::JAPANESE_MORE,
};
