//! A person without a browser on the Self-Service site: one kept connection from an address of its own, cookies, the
//! questions of the page in hand, and how long each answer took.

use crate::Failure;
use rand::Rng as _;
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, redirect};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

const STEP: &str = "/self-service/step";
const LONGEST: Duration = Duration::from_secs(60);

/// The site, and whom to trust for it.
#[derive(Clone)]
pub(crate) struct Site {
    address: String,
    authority: Certificate,
}

impl Site {
    /// `authority` is a PEM file.
    pub(crate) fn new(address: String, authority: &str) -> Result<Self, Failure> {
        // Fails only when a provider is installed already, which then is ring as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { address, authority: Certificate::from_pem(&std::fs::read(authority)?)? })
    }

    /// Somebody new, at an address of loopback that nobody else has, so that the limits of one source stay out of the way.
    pub(crate) fn visitor(&self) -> Result<Visitor, Failure> {
        let [a, b, c] = rand::thread_rng().r#gen::<[u8; 3]>();
        let own = Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254));
        let client = Client::builder()
            .add_root_certificate(self.authority.clone())
            .local_address(IpAddr::V4(own))
            .cookie_store(true)
            .redirect(redirect::Policy::none())
            .timeout(LONGEST)
            .build()?;
        Ok(Visitor { client, site: self.address.clone(), exchanges: Vec::new() })
    }
}

/// One request, and all that a stranger sees of its answer.
pub(crate) struct Exchange {
    pub(crate) step: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

pub(crate) struct Visitor {
    client: Client,
    site: String,
    exchanges: Vec<Exchange>,
}

impl Visitor {
    /// What was asked and answered, in order.
    pub(crate) fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Says who one is, for a task, and reads the page that follows.
    pub(crate) async fn begin(&mut self, task: &str, name: &str) -> Result<(), Failure> {
        let path = format!("/self-service/start/{task}");
        self.open("start", &path).await?;
        self.send(["name", "first step"], &path, vec![("name".to_owned(), name.to_owned())]).await
    }

    /// Fills in the step in hand and reads the page that follows. `steps` are their names.
    pub(crate) async fn step(
        &mut self,
        steps: [&'static str; 2],
        fields: Vec<(String, String)>,
    ) -> Result<(), Failure> {
        self.send(steps, STEP, fields).await
    }

    /// The right answers to the questions of the page in hand, as [`Visitor::register`] gave them.
    pub(crate) fn answers(&self) -> Vec<(String, String)> {
        let labels = self.page().split("<label for=\"answer-").skip(1);
        let parts = labels.filter_map(|rest| rest.split_once("</label>")?.0.split_once("\">"));
        parts.map(|(number, question)| (format!("answer-{number}"), answer(question))).collect()
    }

    /// Registers: the password, then an answer to each question. Of a list one is taken by the name.
    pub(crate) async fn register(&mut self, name: &str, password: &str) -> Result<(), Failure> {
        self.begin("register", name).await?;
        let password = vec![("password".to_owned(), password.to_owned())];
        self.step(["password", "questions"], password).await?;
        let mut fields = Vec::new();
        for (number, part) in self.page().split("<legend>").skip(1).enumerate() {
            let options: Vec<(&str, &str)> = part
                .split("<option value=\"")
                .filter_map(|rest| rest.split_once("</option>")?.0.split_once("\">"))
                .filter(|(id, _)| !id.is_empty())
                .collect();
            let question = if options.is_empty() {
                let label =
                    part.split_once("<label for=\"answer-").and_then(|(_, rest)| rest.split_once("\">"));
                label.and_then(|(_, rest)| rest.split_once("</label>")).map(|(text, _)| text)
            } else {
                let taken = options.get(digest(name) as usize % options.len());
                fields.extend(taken.map(|(id, _)| (format!("question-{number}"), (*id).to_owned())));
                taken.map(|(_, text)| *text)
            };
            fields.extend(question.map(|text| (format!("answer-{number}"), answer(text))));
        }
        self.step(["answers", "registered"], fields).await?;
        self.expect("Your security questions are saved")
    }

    /// Whether the page in hand says something.
    pub(crate) fn expect(&self, words: &str) -> Result<(), Failure> {
        if self.page().contains(words) {
            Ok(())
        } else {
            Err(format!("no {words:?} in {}", self.page()).into())
        }
    }

    fn page(&self) -> &str {
        self.exchanges.last().map_or("", |exchange| &exchange.body)
    }

    async fn open(&mut self, step: &'static str, path: &str) -> Result<(), Failure> {
        self.exchange(step, self.client.get(format!("{}{path}", self.site))).await
    }

    /// Sends the form of the page in hand, hidden fields included, and follows where it leads.
    async fn send(
        &mut self,
        [step, next]: [&'static str; 2],
        path: &str,
        mut fields: Vec<(String, String)>,
    ) -> Result<(), Failure> {
        for name in ["csrf", "step"] {
            let after = self.page().split_once(&format!("name=\"{name}\" value=\""));
            let value = after.and_then(|(_, rest)| rest.split_once('"')).map(|(value, _)| value.to_owned());
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        self.exchange(step, self.client.post(format!("{}{path}", self.site)).form(&fields)).await?;
        let Some(last) = self.exchanges.last().filter(|last| last.status.is_redirection()) else {
            return Ok(());
        };
        let target =
            last.headers.iter().find(|(name, _)| name == "location").map(|(_, target)| target.clone());
        self.open(next, &target.ok_or("a redirection leads nowhere")?).await
    }

    async fn exchange(&mut self, step: &'static str, request: RequestBuilder) -> Result<(), Failure> {
        let sent = Instant::now();
        let response = request.send().await?;
        let status = response.status();
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = response.text().await?;
        self.exchanges.push(Exchange { step, status, headers, body, took: sent.elapsed() });
        Ok(())
    }
}

/// An answer that differs from question to question and repeats no word of it.
fn answer(question: &str) -> String {
    format!("zq{:016x}", digest(question))
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
