//! A person without a browser: follows links, fills in the form of the page in hand, keeps cookies. Each step may go to
//! another node.

use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::realm::QUESTIONS;
use reqwest::{Client, Response, StatusCode};

pub(crate) struct Visitor {
    client: Client,
    page: String,
}

impl Visitor {
    pub(crate) fn new() -> Self {
        Self { client: https::client(Trust::Anyone).unwrap(), page: String::new() }
    }

    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    pub(crate) async fn open(&mut self, base: &str, path: &str) -> StatusCode {
        let response = self.client.get(format!("{base}{path}")).send().await.unwrap();
        self.take(base, response).await
    }

    /// Sends the form of the page in hand, hidden fields included, to a node.
    pub(crate) async fn send(&mut self, base: &str, path: &str, fields: &[(&str, &str)]) -> StatusCode {
        let mut form: Vec<(&str, String)> =
            fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        for name in ["csrf", "step"] {
            form.extend(self.hidden(name).map(|value| (name, value)));
        }
        let response = self.client.post(format!("{base}{path}")).form(&form).send().await.unwrap();
        self.take(base, response).await
    }

    async fn take(&mut self, base: &str, mut response: Response) -> StatusCode {
        while response.status().is_redirection() {
            let target = response.headers()["location"].to_str().unwrap().to_owned();
            response = self.client.get(format!("{base}{target}")).send().await.unwrap();
        }
        let status = response.status();
        self.page = response.text().await.unwrap();
        status
    }

    fn hidden(&self, name: &str) -> Option<String> {
        let after = self.page.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
        after.split('"').next().map(str::to_owned)
    }

    /// Says who one is, for a task.
    pub(crate) async fn identify(&mut self, base: &str, task: &str, name: &str) -> StatusCode {
        let path = format!("/self-service/start/{task}");
        self.open(base, &path).await;
        self.send(base, &path, &[("name", name)]).await
    }

    /// Sends the step in hand.
    pub(crate) async fn step(&mut self, base: &str, fields: &[(&str, &str)]) -> StatusCode {
        self.send(base, "/self-service/step", fields).await
    }

    /// Answers the questions, whichever order the page asks them in.
    pub(crate) async fn answer(&mut self, base: &str, answers: [&str; 2]) -> StatusCode {
        let first = self.page.find(&escaped(QUESTIONS[0])).expect("the first question is asked");
        let second = self.page.find(&escaped(QUESTIONS[1])).expect("the second question is asked");
        let [one, two] = answers;
        let (a, b) = if first < second { (one, two) } else { (two, one) };
        self.step(base, &[("answer-0", a), ("answer-1", b)]).await
    }

    /// Registers security questions.
    pub(crate) async fn register(&mut self, base: &str, name: &str, password: &str, answers: [&str; 2]) {
        self.identify(base, "register", name).await;
        self.step(base, &[("password", password)]).await;
        let status = self.answer(base, answers).await;
        assert!(status.is_success() && self.page.contains("questions are saved"), "{status}: {}", self.page);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('\'', "&#39;")
}
