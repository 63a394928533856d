//! The settings of the activities that have more than a box or two, as inputs and back.

use crate::admin::fields::Fields;
use crate::admin::inputs::Input;
use passquorum_domain::ids::QuestionId;
use passquorum_domain::qa::QaPolicy;
use passquorum_domain::workflow::{
    AskedQuestions, AuthenticationMethod, AuthenticationMethods, MailCodeAuthentication, NotificationEvent,
    PasswordAuthentication, QuestionAuthentication, QuestionSort, SubscribeToNotifications, TooFew,
};

/// Questions that a draw begins with.
const USUAL_DRAW: u32 = 2;

const SORTS: [(QuestionSort, &str, &str); 3] = [
    (QuestionSort::Mandatory, "mandatory", "Draw from mandatory questions"),
    (QuestionSort::Optional, "optional", "Draw from optional questions"),
    (QuestionSort::Own, "own", "Draw from questions of their own"),
];

const WAYS: [(&str, &str); 3] =
    [("all", "All that are registered"), ("random", "Some, drawn anew each time"), ("these", "Chosen ones")];

pub(super) fn question_inputs(at: &str, settings: &QuestionAuthentication, qa: &QaPolicy) -> Vec<Input> {
    let (ask, count, these) = match &settings.ask {
        AskedQuestions::All => ("all", USUAL_DRAW, [].as_slice()),
        AskedQuestions::Random(count) => ("random", *count, [].as_slice()),
        AskedQuestions::These(list) => ("these", USUAL_DRAW, list.as_slice()),
    };
    let mut inputs = vec![
        Input::choice(
            format!("{at}.ask"),
            "Which questions are asked",
            "Chosen ones are asked of everyone; who has not answered one of them does not pass.",
            ask,
            &WAYS,
        ),
        Input::number(format!("{at}.count"), "Questions to draw", "Used when some are drawn.", count),
    ];
    inputs.extend(SORTS.iter().map(|(sort, key, label)| {
        let hint = "With none of the three ticked, from all. Chosen ones are asked whatever they are.";
        Input::check(format!("{at}.from.{key}"), label, hint, settings.from.contains(sort))
    }));
    inputs.extend([
        Input::check(
            format!("{at}.refuse_few"),
            "Refuse profiles with fewer questions than are drawn",
            "Otherwise all that there are are asked.",
            settings.too_few == TooFew::Refuse,
        ),
        Input::check(
            format!("{at}.name_wrong"),
            "Tell which answers were wrong",
            "Whoever guesses can then guess them one by one.",
            settings.name_wrong,
        ),
    ]);
    // Those that are chosen stand first, in their order, which is the order in which they are asked.
    let chosen = these.iter().filter_map(|id| qa.listed(*id));
    let others = qa.questions.iter().filter(|question| !these.contains(&question.id));
    inputs.extend(chosen.chain(others).map(|question| {
        let label = format!("Ask: {}", question.text);
        let hint = "Used when chosen ones are asked.";
        Input::check(format!("{at}.question.{}", question.id), &label, hint, these.contains(&question.id))
    }));
    inputs
}

pub(super) fn read_questions(fields: &mut Fields, at: &str) -> QuestionAuthentication {
    let ask = match fields.raw(&format!("{at}.ask")) {
        "random" => AskedQuestions::Random(fields.number(&format!("{at}.count"), USUAL_DRAW)),
        "these" => {
            let ticked = fields.ticked(&format!("{at}.question."));
            AskedQuestions::These(ticked.iter().filter_map(|id| id.parse::<QuestionId>().ok()).collect())
        }
        _ => AskedQuestions::All,
    };
    let from = SORTS.iter().filter(|(_, key, _)| fields.is_checked(&format!("{at}.from.{key}")));
    QuestionAuthentication {
        ask,
        from: from.map(|(sort, ..)| *sort).collect(),
        too_few: if fields.is_checked(&format!("{at}.refuse_few")) { TooFew::Refuse } else { TooFew::AskAll },
        name_wrong: fields.is_checked(&format!("{at}.name_wrong")),
    }
}

pub(super) fn mail_code_inputs(at: &str, settings: MailCodeAuthentication) -> Vec<Input> {
    vec![
        Input::number(format!("{at}.digits"), "Digits of a code", "6 to 10.", settings.digits),
        Input::number(
            format!("{at}.life"),
            "A code is good for (seconds)",
            "60 to 1800. Mail may take a minute or two.",
            settings.life.0 / 1000,
        ),
    ]
}

pub(super) fn read_mail_code(fields: &mut Fields, at: &str) -> MailCodeAuthentication {
    let usual = MailCodeAuthentication::default();
    MailCodeAuthentication {
        digits: fields.number(&format!("{at}.digits"), usual.digits),
        life: fields.seconds(&format!("{at}.life"), usual.life),
    }
}

/// A way to prove who one is, without its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Questions,
    Password,
    MailCode,
}

impl Method {
    const ALL: [Self; 3] = [Self::Questions, Self::Password, Self::MailCode];
    const PLACES: [(&'static str, &'static str); 4] =
        [("", "Not offered"), ("1", "As the first"), ("2", "As the second"), ("3", "As the third")];

    fn of(method: &AuthenticationMethod) -> Self {
        match method {
            AuthenticationMethod::Questions(_) => Self::Questions,
            AuthenticationMethod::Password(_) => Self::Password,
            AuthenticationMethod::MailCode(_) => Self::MailCode,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Questions => "questions",
            Self::Password => "password",
            Self::MailCode => "mail-code",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Questions => "Security questions",
            Self::Password => "The domain password",
            Self::MailCode => "A code by mail",
        }
    }

    fn read(self, fields: &mut Fields, at: &str) -> AuthenticationMethod {
        match self {
            Self::Questions => AuthenticationMethod::Questions(read_questions(fields, at)),
            Self::Password => AuthenticationMethod::Password(PasswordAuthentication {}),
            Self::MailCode => AuthenticationMethod::MailCode(read_mail_code(fields, at)),
        }
    }
}

/// What a way to prove who one is is called.
pub(super) fn method_label(method: &AuthenticationMethod) -> &'static str {
    Method::of(method).label()
}

pub(super) fn method_inputs(at: &str, settings: &AuthenticationMethods, qa: &QaPolicy) -> Vec<Input> {
    let place = |method: Method| {
        let place = settings.offered.iter().position(|offered| Method::of(offered) == method);
        place.and_then(|place| Method::PLACES.get(place + 1)).map_or("", |(key, _)| *key)
    };
    let order = |method: Method| {
        let hint = "Two at least are offered; the first is chosen to begin with.";
        let name = format!("{at}.place.{}", method.key());
        Input::choice(name, method.label(), hint, place(method), &Method::PLACES)
    };
    let mut inputs: Vec<_> = Method::ALL.map(order).into();
    let usual = QuestionAuthentication::asking(AskedQuestions::All);
    inputs.extend(question_inputs(at, settings.asked_questions().unwrap_or(&usual), qa));
    let code = settings.offered.iter().find_map(|method| match method {
        AuthenticationMethod::MailCode(code) => Some(*code),
        AuthenticationMethod::Questions(_) | AuthenticationMethod::Password(_) => None,
    });
    inputs.extend(mail_code_inputs(at, code.unwrap_or_default()));
    inputs
}

pub(super) fn read_methods(fields: &mut Fields, at: &str) -> AuthenticationMethods {
    let mut places: Vec<(String, Method)> = Method::ALL
        .into_iter()
        .map(|method| (fields.text(&format!("{at}.place.{}", method.key())), method))
        .filter(|(place, _)| !place.is_empty())
        .collect();
    places.sort_by(|one, other| one.0.cmp(&other.0));
    AuthenticationMethods { offered: places.into_iter().map(|(_, method)| method.read(fields, at)).collect() }
}

fn event_words(event: NotificationEvent) -> (&'static str, &'static str) {
    const FIRST: &str = "Whoever has taken an account over would turn this off first.";
    match event {
        NotificationEvent::Password => ("New passwords", FIRST),
        NotificationEvent::Account => ("Accounts unlocked or enabled", ""),
        NotificationEvent::Questions => ("Security questions chosen or changed", FIRST),
        NotificationEvent::Other => ("Anything else that was done", ""),
        NotificationEvent::Failure => ("What was tried and failed", ""),
        NotificationEvent::Helpdesk => {
            ("What the helpdesk did", "Without it users may not learn that somebody acted for them.")
        }
    }
}

fn event_field(at: &str, event: NotificationEvent) -> String {
    format!("{at}.offered.{}", event.name())
}

pub(super) fn notification_inputs(at: &str, settings: &SubscribeToNotifications) -> Vec<Input> {
    let input = |event| {
        let (label, hint) = event_words(event);
        let label = format!("May be turned off: {label}");
        Input::check(event_field(at, event), &label, hint, settings.offered.contains(&event))
    };
    NotificationEvent::ALL.map(input).into()
}

pub(super) fn read_notifications(fields: &Fields, at: &str) -> SubscribeToNotifications {
    let is_offered = |event: &NotificationEvent| fields.is_checked(&event_field(at, *event));
    SubscribeToNotifications { offered: NotificationEvent::ALL.into_iter().filter(is_offered).collect() }
}
