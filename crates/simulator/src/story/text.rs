//! Short dialogues of a support chat in several languages.
//!
//! A script has six lines: customer, bot, customer, agent, customer, bot. `@` stands for the customer's first name and `#`
//! for an order number. All text is already escaped for a JSON string.

/// One dialogue.
pub type Script = [&'static str; 6];

/// English dialogues.
pub static ENGLISH: [Script; 4] = [
    [
        "Hi, I ordered two weeks ago and nothing has arrived yet. Order number is #. Can somebody please look into it?",
        "Hello @! Thanks for reaching out 👋 I can see order #. It left our warehouse and is with the carrier now.",
        "The tracking page has said \\\"in transit\\\" for six days, that can't be right",
        "Hi @, Tom here. I called the carrier: the parcel was held at the depot because the house number was missing.\\nCould you confirm your address?",
        "Yes, it's 14b, second floor. Thank you!!",
        "All set, @. The parcel should be with you tomorrow between 9 and 12. Is there anything else I can do for you?",
    ],
    [
        "Do you have this one in blue? Size 42",
        "Let me check that for you… Yes! Blue in 42 is in stock, three left. Shall I put one aside for you, @?",
        "yes please 🙏 and can I pick it up at the store on Saturday?",
        "Of course. It is reserved under # until Saturday 18:00. Please bring your ID.",
        "Perfect, see you then",
        "You're welcome, @! Here is how to find us:\\n1. Exit the station on the north side\\n2. Turn left at the bakery\\n3. We are at number 8",
    ],
    [
        "I was charged twice for order #!!! I want my money back",
        "I'm sorry about that, @. I have forwarded your case to our billing team; a colleague will answer within the hour.",
        "ok. how long does the refund take?",
        "I have just refunded the second payment (reference #). Depending on your bank it takes 3 to 5 working days.",
        "👍",
        "Thank you for your patience, @. Would you rate this chat? 1 = poor, 5 = excellent ⭐",
    ],
    [
        "Hello, I'd like to book an appointment for next week",
        "Happy to help! We have Tuesday 10:30, Wednesday 14:00 or Friday 09:15. Which one suits you, @?",
        "Wednesday works. Is it ok if I bring my dog? 🐶",
        "Dogs are very welcome. Your booking number is #. You will get a reminder the day before.",
        "Great thanks",
        "See you on Wednesday at 14:00, @! If you can't make it, just reply CANCEL #.",
    ],
];

/// English sentences that fit after any other.
pub static ENGLISH_MORE: [&str; 5] = [
    "By the way, your website was very slow today.",
    "Our opening hours are Monday to Friday, 9:00-18:00, and Saturday until 14:00.",
    "You'll find all the details in the confirmation e-mail: https://shop.example/orders/#?lang=en&src=chat",
    "Sorry for the many questions 😅",
    "Please note that this conversation may be recorded for quality purposes.",
];

/// Spanish dialogues.
pub static SPANISH: [Script; 2] = [
    [
        "¡Hola! ¿Me pueden decir dónde está mi pedido #? Ya pasaron diez días",
        "¡Hola, @! 😊 Tu pedido # salió ayer de nuestro almacén y llegará en 2 o 3 días hábiles.",
        "¿Y por qué nadie me avisó? Estuve esperando en casa toda la mañana",
        "Lamento mucho la molestia, @. El mensajero no encontró el número de la casa. ¿Me confirma la dirección, por favor?",
        "Calle de la Peña 27, entre Núñez y Águilas",
        "Muchas gracias, @. Quedó registrado. ¿Hay algo más en lo que te pueda ayudar?",
    ],
    [
        "Buenas tardes, quisiera cambiar la talla de los zapatos que compré (pedido #)",
        "Claro que sí, @. El cambio es gratuito durante 30 días. ¿Qué talla necesitas?",
        "Una 39, por favor 👠",
        "Listo: mañana pasa el mensajero por el paquete. Su número de cambio es #.",
        "Mil gracias, qué rápidos 💪",
        "¡A ti, @! Que tengas un excelente día ☀️",
    ],
];

/// Spanish sentences that fit after any other.
pub static SPANISH_MORE: [&str; 3] = [
    "¿Me lo pueden mandar también por correo electrónico?",
    "Nuestro horario de atención es de lunes a viernes, de 9 a 18 h.",
    "Quedo a la espera de su respuesta. ¡Saludos!",
];

/// Portuguese dialogues.
pub static PORTUGUESE: [Script; 2] = [
    [
        "Oi, boa tarde! O boleto do pedido # veio com o valor errado, vocês podem corrigir?",
        "Olá, @! Já vou verificar para você. Um momento, por favor ⏳",
        "Tá bom, fico no aguardo",
        "@, aqui é a Maria. O desconto não tinha sido aplicado. Gerei um novo boleto, com vencimento na próxima sexta-feira.",
        "Recebi, agora está certinho. Obrigado! 🙌",
        "Imagina, @! A sua opinião é muito importante: de 0 a 10, que nota você dá para este atendimento?",
    ],
    [
        "Vocês entregam em São José dos Campos? Queria saber o frete",
        "Entregamos sim! Para São José o frete é grátis acima de R$ 150,00 🚚",
        "E chega até quando? É presente de aniversário 🎂",
        "Pedindo hoje, chega na quinta-feira. Posso reservar com o número #, @?",
        "Pode sim!",
        "Reserva feita! Para concluir o pedido, acesse https://loja.example/p/# e escolha a forma de pagamento.",
    ],
];

/// Portuguese sentences that fit after any other.
pub static PORTUGUESE_MORE: [&str; 2] =
    ["Desculpa a demora, estava sem internet.", "Se precisar de mais alguma coisa, é só chamar por aqui!"];

/// German dialogues.
pub static GERMAN: [Script; 2] = [
    [
        "Guten Tag, meine Bestellung # kam heute an, aber ein Teil fehlt. Was kann ich tun?",
        "Guten Tag @, das tut uns leid! Welcher Artikel fehlt denn? Ein Foto des Pakets würde uns sehr helfen.",
        "Die Schrauben für die Rückwand, Tüte Nr. 7. Foto kommt gleich",
        "Vielen Dank für das Foto. Ich schicke Ihnen die Tüte noch heute zu, die Sendungsnummer lautet #. Für die Umstände gibt es einen Gutschein über 10 €.",
        "Super, das ging ja schnell 😀",
        "Gern geschehen, @! Können wir sonst noch etwas für Sie tun?",
    ],
    [
        "Hallo, wie lange habt ihr am Samstag geöffnet?",
        "Hallo @! Samstags sind wir von 10 bis 16 Uhr für Sie da. An Feiertagen bleibt das Geschäft geschlossen.",
        "Und kann ich da auch meine alte Maschine zur Reparatur abgeben?",
        "Ja, bitte bringen Sie die Rechnung mit. Die Überprüfung dauert etwa fünf Werktage; Ihre Vorgangsnummer ist #.",
        "Alles klar, danke schön",
        "Wir freuen uns auf Ihren Besuch! Viele Grüße aus München 🥨",
    ],
];

/// German sentences that fit after any other.
pub static GERMAN_MORE: [&str; 2] =
    ["Übrigens: Die Größenangabe auf der Webseite ist falsch.", "Ich bin ab 17 Uhr telefonisch erreichbar."];

/// Swedish dialogues.
pub static SWEDISH: [Script; 2] = [
    [
        "Hej! Jag har inte fått någon bekräftelse på min beställning #. Gick den igenom?",
        "Hej @! Tack för ditt meddelande. Jag kollar genast åt dig 🔎",
        "Tack, jag är lite orolig eftersom pengarna redan är dragna",
        "Jag förstår. Betalningen kom fram och beställningen packas just nu. Bekräftelsen hade fastnat i skräpposten.",
        "Åh vad skönt, där låg den! 😄",
        "Vad bra, @! Ha en fin dag och välkommen åter.",
    ],
    [
        "Hej, går det att boka om min tid? Bokning #",
        "Absolut! Vilken dag passar dig bäst, @? Vi har lediga tider på tisdag och torsdag.",
        "Torsdag efter kl 15 om det går",
        "Då är du ombokad till torsdag 15:30. Vi skickar en påminnelse dagen innan.",
        "Toppen!",
        "Välkommen på torsdag, @! Återbud lämnas senast 24 timmar före besöket.",
    ],
];

/// Swedish sentences that fit after any other.
pub static SWEDISH_MORE: [&str; 2] =
    ["Får jag fråga en sak till?", "Våra öppettider är vardagar 8–17 och lördagar 10–14."];

/// French dialogues.
pub static FRENCH: [Script; 1] = [[
    "Bonjour, j'ai reçu un article abîmé dans ma commande #. Je voudrais être remboursée, s'il vous plaît.",
    "Bonjour @ ! Nous sommes désolés. Pourriez-vous nous envoyer une photo de l'article ?",
    "La voilà. L'écran est fêlé et la boîte était déjà ouverte…",
    "Merci. Le remboursement est lancé ; vous le recevrez sous 5 jours ouvrés. Votre numéro de dossier : #.",
    "Parfait, merci pour votre efficacité ! 🎉",
    "Avec plaisir, @. À très bientôt et bonne journée !",
]];

/// French sentences that fit after any other.
pub static FRENCH_MORE: [&str; 2] =
    ["Où puis-je télécharger la facture ?", "Notre service est ouvert du lundi au vendredi, de 9 h à 18 h."];

/// Hindi dialogues.
pub static HINDI: [Script; 1] = [[
    "नमस्ते, मेरा ऑर्डर # अभी तक नहीं आया। कब तक मिलेगा?",
    "नमस्ते @ जी 🙏 आपका ऑर्डर # रास्ते में है और कल शाम तक पहुँच जाएगा।",
    "ठीक है, क्या मैं भुगतान नकद कर सकता हूँ?",
    "जी हाँ, आप डिलीवरी के समय नकद या UPI से भुगतान कर सकते हैं।",
    "बहुत धन्यवाद",
    "आपका स्वागत है @ जी! क्या मैं आपकी और कोई सहायता कर सकता हूँ?",
]];

/// Hindi sentences that fit after any other.
pub static HINDI_MORE: [&str; 2] =
    ["कृपया जल्दी उत्तर दें।", "अधिक जानकारी के लिए हमारी वेबसाइट देखें: https://dukan.example/help"];

/// Arabic dialogues.
pub static ARABIC: [Script; 1] = [[
    "مرحبا، أريد أن أعرف متى يصل طلبي رقم #؟",
    "أهلاً @! طلبك رقم # في الطريق وسيصل غداً بين الساعة 9 و 12.",
    "هل يمكن تغيير العنوان؟ أنا في مكان آخر غداً",
    "نعم بالتأكيد، أرسل لنا العنوان الجديد من فضلك 📍",
    "شارع الملك فهد، بناية 12، الطابق الثالث",
    "شكراً لك @، تم تحديث العنوان. هل هناك شيء آخر؟",
]];

/// Arabic sentences that fit after any other.
pub static ARABIC_MORE: [&str; 2] =
    ["شكراً جزيلاً على المساعدة 🌹", "ساعات العمل من الأحد إلى الخميس، 8:00-17:00."];

/// Japanese dialogues.
pub static JAPANESE: [Script; 1] = [[
    "こんにちは。注文番号#の配送状況を教えていただけますか?",
    "@様、お問い合わせありがとうございます。ご注文#は本日発送いたしました。",
    "ありがとうございます。時間指定はできますか?",
    "はい、午前中または18時から20時の間でご指定いただけます。どちらがよろしいでしょうか。",
    "夜でお願いします🌙",
    "かしこまりました。18時から20時の間にお届けいたします。またのご利用をお待ちしております。",
]];

/// Japanese sentences that fit after any other.
pub static JAPANESE_MORE: [&str; 2] =
    ["返品の手続きについても知りたいです。", "営業時間は平日の9時から18時までです。"];
