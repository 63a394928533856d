//! A person without a browser: fills in the form of the page in hand, keeps cookies, follows where it leads.

use crate::joined::Joined;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use std::time::Duration;

const STEP: &str = "/self-service/step";

pub(crate) struct Visitor {
    client: Client,
    site: String,
    pub(crate) page: String,
}

impl Visitor {
    pub(crate) fn of(node: &Joined) -> Self {
        let authority = std::fs::read(node.dir.join("keys/authority.crt")).unwrap();
        let client = Client::builder()
            .add_root_certificate(Certificate::from_pem(&authority).unwrap())
            .cookie_store(true)
            .redirect(Policy::none())
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self { client, site: node.url.clone(), page: String::new() }
    }

    pub(crate) async fn open(&mut self, path: &str) -> u16 {
        let answer = self.client.get(format!("{}{path}", self.site)).send().await.unwrap();
        self.take(answer).await
    }

    /// Says who one is, for a task.
    pub(crate) async fn start(&mut self, task: &str, name: &str) -> u16 {
        let path = format!("/self-service/start/{task}");
        self.open(&path).await;
        self.send(&path, &[("name".to_owned(), name.to_owned())]).await
    }

    /// Sends the step in hand.
    pub(crate) async fn step(&mut self, fields: &[(&str, &str)]) -> u16 {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.send(STEP, &fields).await
    }

    /// Loads the step in hand again.
    pub(crate) async fn reload(&mut self) -> u16 {
        self.open(STEP).await
    }

    async fn send(&mut self, path: &str, fields: &[(String, String)]) -> u16 {
        let mut form = fields.to_vec();
        for name in ["csrf", "step"] {
            let start = format!("name=\"{name}\" value=\"");
            let value = self.page.split_once(&start).and_then(|(_, rest)| rest.split_once('"'));
            form.extend(value.map(|(value, _)| (name.to_owned(), value.to_owned())));
        }
        let answer = self.client.post(format!("{}{path}", self.site)).form(&form).send().await.unwrap();
        self.take(answer).await
    }

    async fn take(&mut self, mut answer: Response) -> u16 {
        while answer.status().is_redirection() {
            let target = answer.headers()["location"].to_str().unwrap().to_owned();
            answer = self.client.get(format!("{}{target}", self.site)).send().await.unwrap();
        }
        let status = answer.status().as_u16();
        self.page = answer.text().await.unwrap();
        status
    }

    /// The first question that can be chosen at a place.
    pub(crate) fn choice(&self, place: usize) -> String {
        let select = format!("name=\"question-{place}\"");
        let (_, options) = self.page.split_once(&select).unwrap();
        let (_, option) = options.split_once("<option value=\"\">").unwrap();
        let (_, id) = option.split_once("<option value=\"").unwrap();
        id.split_once('"').unwrap().0.to_owned()
    }

    /// The answers to the questions of the page, in its order.
    pub(crate) fn in_order<'a>(&self, answers: &'a [(String, String)]) -> Vec<(String, &'a str)> {
        let mut asked: Vec<_> = answers
            .iter()
            .filter_map(|(question, answer)| Some((self.page.find(question)?, answer.as_str())))
            .collect();
        asked.sort_unstable();
        asked
            .into_iter()
            .enumerate()
            .map(|(place, (_, answer))| (format!("answer-{place}"), answer))
            .collect()
    }
}
