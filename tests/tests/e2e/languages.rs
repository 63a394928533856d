//! A person registers and forgets the password in German, and another one in Arabic, from right to left; every page is
//! looked at by axe-core and kept as a picture.

use crate::TURN;
use crate::journey::screenshots;
use passquorum_tests::ports;
use passquorum_tests::rig::axe;
use passquorum_tests::rig::browser::{Browser, Colours, Scripts, Viewport};
use passquorum_tests::rig::cluster::{Account, Cluster};
use serde_json::Value;

/// What the pages say in a language, in the order of the way.
struct Words {
    tag: &'static str,
    direction: &'static str,
    name: &'static str,
    home: &'static str,
    user_name: &'static str,
    password: &'static str,
    current: &'static str,
    profile: &'static str,
    saved: &'static str,
    questions: &'static str,
    wrong: &'static str,
    new_title: &'static str,
    new: &'static str,
    again: &'static str,
    changed: &'static str,
    pet: &'static str,
}

const GERMAN: Words = Words {
    tag: "de",
    direction: "ltr",
    name: "Deutsch",
    home: "Was möchten Sie tun?",
    user_name: "Ihr Benutzername",
    password: "Kennwort",
    current: "Geben Sie Ihr Kennwort ein",
    profile: "Wählen Sie Ihre Sicherheitsfragen",
    saved: "Ihre Sicherheitsfragen sind gespeichert",
    questions: "Beantworten Sie Ihre Sicherheitsfragen",
    wrong: "Wir konnten Sie mit diesen Antworten nicht bestätigen.",
    new_title: "Wählen Sie ein neues Kennwort",
    new: "Neues Kennwort",
    again: "Neues Kennwort wiederholen",
    changed: "Ihr Kennwort ist geändert",
    pet: "Wie hieß Ihr erstes Haustier?",
};

const ARABIC: Words = Words {
    tag: "ar",
    direction: "rtl",
    name: "العربية",
    home: "ماذا تريد أن تفعل؟",
    user_name: "اسم المستخدم",
    password: "كلمة المرور",
    current: "أدخل كلمة المرور",
    profile: "اختر أسئلة الأمان",
    saved: "تم حفظ أسئلة الأمان",
    questions: "أجب عن أسئلة الأمان",
    wrong: "لم نتمكن من التحقق من هويتك بهذه الإجابات.",
    new_title: "اختر كلمة مرور جديدة",
    new: "كلمة المرور الجديدة",
    again: "تكرار كلمة المرور الجديدة",
    changed: "تم تغيير كلمة المرور",
    pet: "ما اسم أول حيوان أليف لديك؟",
};

const LOOKS: [(Viewport, Colours, &str); 4] = [
    (Viewport::Desktop, Colours::Light, "desktop-light"),
    (Viewport::Desktop, Colours::Dark, "desktop-dark"),
    (Viewport::Phone, Colours::Light, "phone-light"),
    (Viewport::Phone, Colours::Dark, "phone-dark"),
];

const ANSWERS: [&str; 3] = ["Northside Primary", "Lakeford", "Biscuit the cat"];

const WIDER: &str = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";

struct Reader<'b> {
    browser: &'b Browser,
    words: &'static Words,
}

impl Reader<'_> {
    /// Waits for a page, and looks at it.
    async fn look(&self, says: &str, name: &str) {
        self.browser.wait_for_text(says).await.unwrap();
        let Words { tag, direction, .. } = self.words;
        let page = "return [document.documentElement.lang, document.documentElement.dir]";
        assert_eq!(self.browser.execute(page).await.unwrap(), serde_json::json!([tag, direction]), "{name}");
        for (viewport, colours, look) in LOOKS {
            self.browser.resize(viewport).await.unwrap();
            self.browser.prefer(colours).await.unwrap();
            self.browser.screenshot(&format!("lang-{tag}-{name}-{look}")).await.unwrap();
            assert_eq!(
                axe::violations(self.browser).await.unwrap(),
                Vec::<String>::new(),
                "{tag} {name} {look}"
            );
            assert_eq!(self.browser.execute(WIDER).await.unwrap(), Value::Bool(false), "{tag} {name} {look}");
        }
        self.browser.resize(Viewport::Desktop).await.unwrap();
        self.browser.prefer(Colours::Light).await.unwrap();
    }

    async fn begin(&self, site: &str, task: &str, person: &str) {
        self.browser.open(&format!("{site}/self-service/")).await.unwrap();
        self.browser.wait_for_text(self.words.home).await.unwrap();
        self.browser.click(&format!("a[href='/self-service/start/{task}']")).await.unwrap();
        self.browser.wait_for_text(self.words.user_name).await.unwrap();
        self.browser.fill(self.words.user_name, person).await.unwrap();
        self.browser.submit().await.unwrap();
    }

    async fn answer(&self, answers: [&str; 3]) {
        for (number, answer) in answers.into_iter().enumerate() {
            self.browser.fill(&format!("answer-{number}"), answer).await.unwrap();
        }
        self.browser.submit().await.unwrap();
    }

    async fn walk(&self, site: &str, person: &Account) {
        let (browser, words) = (self.browser, self.words);
        browser.open(&format!("{site}/self-service/")).await.unwrap();
        browser.press(words.name).await.unwrap();
        self.look(words.home, "1-home").await;

        self.begin(site, "register", &person.user).await;
        self.look(words.current, "2-password").await;
        browser.fill(words.password, &person.password).await.unwrap();
        browser.submit().await.unwrap();
        self.look(words.profile, "3-register").await;
        browser.choose("question-2", words.pet).await.unwrap();
        self.answer(ANSWERS).await;
        self.look(words.saved, "4-registered").await;

        self.begin(site, "forgot-password", &person.user).await;
        browser.wait_for_text(words.questions).await.unwrap();
        self.answer(["wrong"; 3]).await;
        self.look(words.wrong, "5-wrong-answers").await;
        self.answer(ANSWERS).await;
        browser.wait_for_text(words.new_title).await.unwrap();
        browser.fill(words.new, "Another-Passphrase-77").await.unwrap();
        browser.fill(words.again, "Another-Passphrase-77").await.unwrap();
        self.look(words.new_title, "6-new-password").await;
        browser.submit().await.unwrap();
        self.look(words.changed, "7-changed").await;
        browser.open(&format!("{site}/self-service/nowhere")).await.unwrap();
        self.look("PQ-NOT-FOUND", "8-failure").await;
    }
}

#[tokio::test]
async fn people_register_and_forget_their_passwords_in_german_and_in_arabic() {
    let _turn = TURN.lock().await;
    let dir = tempfile::Builder::new().prefix("passquorum-languages-").tempdir().unwrap();
    let cluster = Cluster::demo(dir.path(), ports::block(103).unwrap()).await.unwrap();
    let accounts = cluster.demo_line().unwrap().accounts.clone();
    let person = |name: &str| accounts.iter().find(|account| account.user == name).unwrap().clone();
    let site = cluster.node(2).unwrap().health.clone();
    for (words, name) in [(&GERMAN, "bob"), (&ARABIC, "alice")] {
        let browser = Browser::start(&screenshots(), Viewport::Desktop, Scripts::Allowed).await.unwrap();
        Reader { browser: &browser, words }.walk(&site, &person(name)).await;
        browser.stop().await.unwrap();
    }
    cluster.stop().await.unwrap();
}
