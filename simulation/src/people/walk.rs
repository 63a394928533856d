//! One walk through a workflow, from the front page to an end: whatever form comes is filled in as this person would,
//! a form whose answer was lost may be sent again, and what was asked and told goes into the ledger.

use super::browser::{Browser, Reply};
use super::form::{Form, Page};
use super::persons::{Answers, Person};
use super::{People, realm};
use crate::ledger::{Fact, Run, Told, Wish};
use crate::trace::What;
use rand::Rng as _;
use rand::seq::SliceRandom as _;
use std::collections::BTreeMap;
use std::sync::Arc;

const PROFILE: &str = "Choose your security questions";
const QUESTIONS: &str = "Answer your security questions";
const PASSWORD: &str = "Enter your password";
const NEW_PASSWORD: &str = "Choose a new password";
const UNLOCK: &str = "Unlock your account";
const DONE: [&str; 3] =
    ["Your password is changed", "Your account is unlocked", "Your security questions are saved"];
const UNKNOWN: &str = "We do not know the outcome";

/// How somebody behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Types what is right, nearly always.
    Honest,
    /// Does not know the secrets and guesses.
    Guessing,
}

/// A form as it was sent, with the cookies of that moment, to be sent again later.
pub(super) struct Kept {
    form: Form,
    cookies: BTreeMap<String, String>,
    wish: Wish,
}

/// A walk.
pub(super) struct Walk {
    people: Arc<People>,
    browser: Browser,
    person: Person,
    manner: Manner,
    run: Run,
    /// The form that asked for something, as it was sent.
    pub(super) kept: Option<Kept>,
}

impl Walk {
    /// A walk of a person in a browser.
    #[must_use]
    pub(super) fn new(people: &Arc<People>, browser: Browser, person: Person, manner: Manner) -> Self {
        Self { people: Arc::clone(people), browser, person, manner, run: people.next_run(), kept: None }
    }

    /// Walks through a task, with so many forms at most.
    pub(super) async fn through(&mut self, task: &str, most: u32) {
        self.tell(|walk| format!("{task} as {} {:?}", walk.person.account, walk.manner));
        let start = format!("/self-service/start/{task}");
        let Some(mut page) = self.browser.get(&start).await.map(|reply| reply.page) else { return };
        for _ in 0..most {
            let Some(mut form) = page.form() else { break };
            let wish = self.fill(&page, &mut form);
            match self.submit(&form, wish).await {
                Some(next) => page = next,
                None => break,
            }
        }
        self.tell(|_| format!("ends at {:?} {:?}", page.heading(), page.code()));
    }

    /// Sends a form that was sent before once more, with its cookies, but with another new password in it.
    pub(super) async fn replay(&mut self, kept: Kept) {
        self.tell(|_| "replays a form".to_owned());
        let Kept { mut form, cookies, mut wish } = kept;
        self.browser.cookies = cookies;
        if form.has("new") {
            wish = self.choose_password(&mut form);
        }
        self.ask(&form, wish).await;
    }

    fn tell(&self, what: impl FnOnce(&Self) -> String) {
        self.people.stage.surroundings.trace.record(What::Client(1000 + self.run, what(self)));
    }

    fn note(&self, fact: Fact) {
        self.people.ledger.note(fact);
    }

    /// Fills a form in; what it asks for, if it changes something.
    fn fill(&mut self, page: &Page, form: &mut Form) -> Option<Wish> {
        if form.has("name") {
            form.fill("name", &self.person.account.clone());
            return None;
        }
        match page.heading() {
            PROFILE => Some(self.fill_profile(form)),
            QUESTIONS => {
                self.fill_answers(form);
                None
            }
            PASSWORD => {
                let password = self.present_password();
                form.fill("password", &password);
                None
            }
            NEW_PASSWORD => {
                if form.has("current") {
                    let password = self.present_password();
                    form.fill("current", &password);
                }
                Some(self.choose_password(form))
            }
            UNLOCK => Some(Wish::Unlock),
            _ => None,
        }
    }

    fn choose_password(&mut self, form: &mut Form) -> Wish {
        let new = realm::password(&mut self.browser.rng);
        form.fill("new", &new);
        form.fill("confirm", &new);
        Wish::Password(new)
    }

    fn knows(&mut self) -> bool {
        self.manner == Manner::Honest && self.browser.rng.gen_bool(0.9)
    }

    fn present_password(&mut self) -> String {
        match self.people.persons.password(self.person.guid).filter(|_| self.knows()) {
            Some(password) => {
                self.note(Fact::Proved(self.run, self.person.guid));
                password
            }
            None => realm::password(&mut self.browser.rng),
        }
    }

    /// Types the person's answers, or others.
    fn fill_answers(&mut self, form: &mut Form) {
        let knows = self.knows();
        let sets =
            self.people.persons.again(self.person.guid).map(|person| person.answers).unwrap_or_default();
        let known = sets.last().filter(|_| knows).cloned().unwrap_or_default();
        for field in form.fields.iter_mut().filter(|field| field.name.starts_with("answer-")) {
            let answer = known.get(&field.label).cloned();
            field.value = answer.unwrap_or_else(|| realm::answer(&mut self.browser.rng));
        }
        let typed = form.fields.iter().filter(|field| field.name.starts_with("answer-"));
        let is_all_of =
            |set: &Answers| typed.clone().all(|field| set.get(&field.label) == Some(&field.value));
        if sets.iter().any(is_all_of) {
            self.note(Fact::Proved(self.run, self.person.guid));
        }
    }

    fn fill_profile(&mut self, form: &mut Form) -> Wish {
        let mut answers = Answers::new();
        let mut question = String::new();
        for field in &mut form.fields {
            if let Some((value, text)) = field.options.choose(&mut self.browser.rng) {
                (field.value, question) = (value.clone(), text.clone());
            } else if field.name.starts_with("question-") {
                question = format!("Where did I hide number {}?", self.browser.rng.r#gen::<u16>());
                field.value.clone_from(&question);
            } else if field.name.starts_with("answer-") {
                let asked = if field.label == "Your answer" { &question } else { &field.label };
                field.value = realm::answer(&mut self.browser.rng);
                answers.insert(asked.clone(), field.value.clone());
            }
        }
        self.people.persons.learns(self.person.guid, answers);
        Wish::Profile
    }

    async fn submit(&mut self, form: &Form, wish: Option<Wish>) -> Option<Page> {
        let page = match wish {
            Some(wish) => self.ask(form, wish).await,
            None => self.browser.post(form).await.map(|reply| reply.page),
        }?;
        if page.heading() == QUESTIONS && page.status == 422 {
            self.people.persons.doubts(self.person.guid);
        }
        Some(page)
    }

    /// Sends a form that changes something; when no answer comes, once more as it is, or not.
    async fn ask(&mut self, form: &Form, wish: Wish) -> Option<Page> {
        let (form_sent, cookies) = (form.clone(), self.browser.cookies.clone());
        self.kept = Some(Kept { form: form_sent, cookies, wish: wish.clone() });
        let again = self.browser.rng.gen_bool(0.7);
        for _ in 0..=u32::from(again) {
            self.note(Fact::Asked(self.run, wish.clone()));
            let reply = self.browser.post(form).await;
            let told = reply.as_ref().map_or(Told::Nothing, told);
            self.tell(|_| format!("asks for {wish:?} and is told {told:?}"));
            self.note(Fact::Answered(self.run, wish.clone(), told));
            if let Some(reply) = reply {
                return Some(reply.page);
            }
        }
        None
    }
}

/// What a page says about what was asked for.
fn told(reply: &Reply) -> Told {
    let page = &reply.page;
    let code = page.code().unwrap_or("");
    if DONE.contains(&page.heading()) {
        Told::Done
    } else if page.heading() == UNKNOWN || code == "UNKNOWN-OUTCOME" {
        Told::Unknown
    } else if reply.redirected {
        Told::Nothing
    } else if code.is_empty() {
        Told::Failed(format!("{} {:?}", page.status, page.heading()))
    } else {
        Told::Failed(code.to_owned())
    }
}
