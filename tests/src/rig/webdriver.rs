//! The few commands of the W3C WebDriver recommendation that the tests use, over HTTP to a local ChromeDriver.
//! Knows nothing of pages: [`super::browser`] does.

use reqwest::Method;
use serde_json::{Value, json};

use super::RigError;
use crate::https::{self, Trust};

/// The key under which WebDriver names an element (W3C WebDriver, 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How an element is looked for.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// A CSS selector.
    Css(&'a str),
    /// An XPath expression.
    XPath(&'a str),
}

/// An element of the page that is open; stale once the page changes.
#[derive(Debug, Clone)]
pub struct Element(String);

/// One browser session; it must be ended with [`Session::delete`].
#[derive(Debug)]
pub struct Session {
    client: reqwest::Client,
    url: String,
}

impl Session {
    /// Opens a session at a driver, such as `http://127.0.0.1:9515`, with the given capabilities.
    ///
    /// # Errors
    /// [`RigError::Browser`] when the browser does not start.
    pub async fn create(driver: &str, capabilities: Value) -> Result<Self, RigError> {
        let mut session = Self { client: https::client(Trust::Anyone)?, url: format!("{driver}/session") };
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let answer = session.send(Method::POST, "", Some(body)).await?;
        let id = field(&answer, "sessionId")?;
        session.url = format!("{}/{id}", session.url);
        Ok(session)
    }

    /// Ends the session and with it the browser.
    ///
    /// # Errors
    /// [`RigError::Browser`] when it had ended already.
    pub async fn delete(&self) -> Result<(), RigError> {
        self.send(Method::DELETE, "", None).await.map(drop)
    }

    /// Asks for something of the session, such as `url`, `title` or `source`.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn get(&self, path: &str) -> Result<Value, RigError> {
        self.send(Method::GET, path, None).await
    }

    /// Gives a command, such as `url` with the page to open.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value, RigError> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Removes something, such as `cookie`.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn remove(&self, path: &str) -> Result<(), RigError> {
        self.send(Method::DELETE, path, None).await.map(drop)
    }

    /// The first element that is found.
    ///
    /// # Errors
    /// [`RigError::Browser`] with `no such element` when there is none.
    pub async fn find(&self, by: By<'_>) -> Result<Element, RigError> {
        let answer = self.post("element", locator(by)).await?;
        field(&answer, ELEMENT).map(Element)
    }

    /// All elements that are found, in the order of the page.
    ///
    /// # Errors
    /// [`RigError::Browser`] when the expression is not valid.
    pub async fn find_all(&self, by: By<'_>) -> Result<Vec<Element>, RigError> {
        let answer = self.post("elements", locator(by)).await?;
        let found = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        found.iter().map(|element| field(element, ELEMENT).map(Element)).collect()
    }

    /// Asks for something of an element, such as `text` or `attribute/href`.
    ///
    /// # Errors
    /// [`RigError::Browser`] when the element is stale.
    pub async fn get_of(&self, element: &Element, path: &str) -> Result<Value, RigError> {
        self.get(&format!("element/{}/{path}", element.0)).await
    }

    /// Gives a command to an element: `click`, `clear` or `value`.
    ///
    /// # Errors
    /// [`RigError::Browser`] when the element is stale or cannot do it.
    pub async fn post_to(&self, element: &Element, path: &str, body: Value) -> Result<Value, RigError> {
        self.post(&format!("element/{}/{path}", element.0), body).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, RigError> {
        let slash = if path.is_empty() { "" } else { "/" };
        let mut request = self.client.request(method, format!("{}{slash}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.timeout(std::time::Duration::from_secs(60)).send().await?;
        let failed = !answer.status().is_success();
        let mut value: Value = answer.json().await?;
        let value = value.get_mut("value").map(Value::take).unwrap_or_default();
        if failed {
            let field = |name| field(&value, name).unwrap_or_default();
            let message = field("message").lines().next().unwrap_or_default().to_owned();
            return Err(RigError::Browser { command: path.to_owned(), error: field("error"), message });
        }
        Ok(value)
    }
}

/// The text in an answer.
///
/// # Errors
/// [`RigError::Contract`] when the answer is something else.
pub fn text(value: &Value) -> Result<String, RigError> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| RigError::Contract { who: "ChromeDriver", answer: value.to_string() })
}

/// The text under a name in an answer.
///
/// # Errors
/// [`RigError::Contract`] when there is none.
pub fn field(value: &Value, name: &str) -> Result<String, RigError> {
    text(value.get(name).unwrap_or(value))
}

fn locator(by: By<'_>) -> Value {
    match by {
        By::Css(selector) => json!({ "using": "css selector", "value": selector }),
        By::XPath(expression) => json!({ "using": "xpath", "value": expression }),
    }
}
