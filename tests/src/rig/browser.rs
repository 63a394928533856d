//! Headless Chromium, used as a person uses it: open, fill in by label, press, read what the page says.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::RigError;
use super::process::{self, Group, Output};
use super::webdriver::{By, Element, Session, field, text};
use crate::wait;

const START: Duration = Duration::from_secs(60);
/// How long a page may take to show what is waited for.
const PAGE: Duration = Duration::from_secs(30);

/// The size of the window, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewport {
    /// 1280 by 900.
    Desktop,
    /// 390 by 844.
    Phone,
    /// 640 by 480: the window of a client at a logon screen.
    LogonScreen,
}

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// As browsers come.
    Allowed,
    /// Blocked by the browser's content settings.
    Blocked,
}

/// What the person's system asks of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// A browser with an empty profile of its own; it stops when dropped. It accepts any certificate.
#[derive(Debug)]
pub struct Browser {
    session: Session,
    driver: Option<Group>,
    profile: TempDir,
    screenshots: PathBuf,
}

impl Browser {
    /// Starts ChromeDriver and a browser; screenshots go to the directory `screenshots`.
    ///
    /// # Errors
    /// [`RigError::Io`] when ChromeDriver is not installed, [`RigError::Browser`] when the browser does not
    /// start.
    pub async fn start(screenshots: &Path, viewport: Viewport, scripts: Scripts) -> Result<Self, RigError> {
        std::fs::create_dir_all(screenshots).map_err(RigError::io(screenshots.display().to_string()))?;
        let profile = TempDir::with_prefix("browser-").map_err(RigError::io("the browser's profile"))?;
        let mut command = Command::new("chromedriver");
        command.args(["--port=0", "--allowed-ips=127.0.0.1"]);
        let mut driver = Group::start(command, &profile.path().join("chromedriver.log"), Output::Piped)?;
        let port = driver_port(&mut driver).await?;
        let capabilities = capabilities(profile.path(), scripts);
        let session = Session::create(&format!("http://127.0.0.1:{port}"), capabilities).await?;
        let browser = Self { session, driver: Some(driver), profile, screenshots: screenshots.to_owned() };
        browser.resize(viewport).await?;
        Ok(browser)
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Errors
    /// [`RigError::Browser`] when it cannot be reached.
    pub async fn open(&self, url: &str) -> Result<(), RigError> {
        self.session.post("url", json!({ "url": url })).await.map(drop)
    }

    /// The URL of the page that is open.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn url(&self) -> Result<String, RigError> {
        text(&self.session.get("url").await?)
    }

    /// The page's title.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn title(&self) -> Result<String, RigError> {
        text(&self.session.get("title").await?)
    }

    /// The text that a person sees.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn text(&self) -> Result<String, RigError> {
        let body = self.session.find(By::Css("body")).await?;
        text(&self.session.get_of(&body, "text").await?)
    }

    /// The page's HTML.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn source(&self) -> Result<String, RigError> {
        text(&self.session.get("source").await?)
    }

    /// The text of every element that a CSS selector finds.
    ///
    /// # Errors
    /// [`RigError::Browser`] when the selector is not valid.
    pub async fn texts(&self, css: &str) -> Result<Vec<String>, RigError> {
        let mut texts = Vec::new();
        for element in self.session.find_all(By::Css(css)).await? {
            texts.push(text(&self.session.get_of(&element, "text").await?)?);
        }
        Ok(texts)
    }

    /// Types into the field with this label, or with this `name` when no label says so, after emptying it.
    ///
    /// # Errors
    /// [`RigError::Browser`] when there is no such field.
    pub async fn fill(&self, label: &str, value: &str) -> Result<(), RigError> {
        let field = self.field(label).await?;
        self.session.post_to(&field, "clear", json!({})).await?;
        self.session.post_to(&field, "value", json!({ "text": value })).await.map(drop)
    }

    /// Chooses in the list with this label or `name` the option that shows `option`.
    ///
    /// # Errors
    /// [`RigError::Browser`] when there is no such list or option.
    pub async fn choose(&self, label: &str, option: &str) -> Result<(), RigError> {
        let list = self.field(label).await?;
        let id = text(&self.session.get_of(&list, "attribute/id").await?)?;
        let option = format!("//select[@id={}]/option[normalize-space()={}]", quoted(&id), quoted(option));
        let option = self.session.find(By::XPath(&option)).await?;
        self.session.post_to(&option, "click", json!({})).await.map(drop)
    }

    /// Presses the button or follows the link that says `words`.
    ///
    /// # Errors
    /// [`RigError::Browser`] when there is none.
    pub async fn press(&self, words: &str) -> Result<(), RigError> {
        let says = quoted(words);
        let path = format!("//button[normalize-space()={says}] | //a[normalize-space()={says}]");
        let element = self.session.find(By::XPath(&path)).await?;
        self.session.post_to(&element, "click", json!({})).await.map(drop)
    }

    /// Presses the first element that a CSS selector finds.
    ///
    /// # Errors
    /// [`RigError::Browser`] when there is none.
    pub async fn click(&self, css: &str) -> Result<(), RigError> {
        let element = self.session.find(By::Css(css)).await?;
        self.session.post_to(&element, "click", json!({})).await.map(drop)
    }

    /// Sends keys to the first element that a CSS selector finds, which gets the focus.
    ///
    /// # Errors
    /// [`RigError::Browser`] when there is none.
    pub async fn keys(&self, css: &str, keys: &str) -> Result<(), RigError> {
        let element = self.session.find(By::Css(css)).await?;
        self.session.post_to(&element, "value", json!({ "text": keys })).await.map(drop)
    }

    /// Sends the page's main form with its first submit button, and waits until the answer is loaded.
    ///
    /// # Errors
    /// [`RigError::Browser`] when the page has no form with such a button.
    pub async fn submit(&self) -> Result<(), RigError> {
        let path = "(//main//form | //form[not(//main//form)])//*[self::button or self::input]\
                    [@type='submit' or (self::button and not(@type))]";
        let button = self.session.find(By::XPath(path)).await?;
        self.session.post_to(&button, "click", json!({})).await.map(drop)
    }

    /// Waits until the page shows `words`.
    ///
    /// # Errors
    /// [`RigError::Contract`] with what it shows instead.
    pub async fn wait_for_text(&self, words: &str) -> Result<(), RigError> {
        let what = format!("the page shows {words:?}");
        let shown = wait::until(&what, PAGE, || async {
            // Between two pages there is no body: ask again.
            self.text().await.ok()?.contains(words).then_some(())
        });
        match shown.await {
            Ok(()) => Ok(()),
            Err(elapsed) => {
                let answer = format!("{elapsed}; it shows: {}", self.text().await.unwrap_or_default());
                Err(RigError::Contract { who: "the page", answer })
            }
        }
    }

    /// The cookies of the page that is open, as WebDriver gives them (`name`, `value`, `secure`, `httpOnly`, ...).
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn cookies(&self) -> Result<Vec<Value>, RigError> {
        let cookies = self.session.get("cookie").await?;
        Ok(cookies.as_array().cloned().unwrap_or_default())
    }

    /// Forgets the cookies of the page that is open.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn forget_cookies(&self) -> Result<(), RigError> {
        self.session.remove("cookie").await
    }

    /// Runs a script in the page and gives what it returns.
    ///
    /// # Errors
    /// [`RigError::Browser`] when the script throws.
    pub async fn execute(&self, script: &str) -> Result<Value, RigError> {
        self.session.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// The same for a script that ends later: it calls the last of its arguments with what it returns.
    ///
    /// # Errors
    /// [`RigError::Browser`] when the script throws or does not end.
    pub async fn execute_async(&self, script: &str) -> Result<Value, RigError> {
        self.session.post("execute/async", json!({ "script": script, "args": [] })).await
    }

    /// What the browser's console told of since the last call: errors of scripts, and what could not be loaded, each
    /// beginning with its address.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn console(&self) -> Result<Vec<String>, RigError> {
        let told = self.session.post("se/log", json!({ "type": "browser" })).await?;
        told.as_array().into_iter().flatten().map(|entry| field(entry, "message")).collect()
    }

    /// Changes the size of the window.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn resize(&self, viewport: Viewport) -> Result<(), RigError> {
        let (width, height, mobile) = match viewport {
            Viewport::Desktop => (1280, 900, false),
            Viewport::Phone => (390, 844, true),
            Viewport::LogonScreen => (640, 480, false),
        };
        // A window cannot be as narrow as a phone; Chromium's device emulation can.
        let device = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": device });
        self.session.post("goog/cdp/execute", command).await.map(drop)
    }

    /// Shows pages as for people who want them light or dark.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason.
    pub async fn prefer(&self, colours: Colours) -> Result<(), RigError> {
        let value = match colours {
            Colours::Light => "light",
            Colours::Dark => "dark",
        };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": media });
        self.session.post("goog/cdp/execute", command).await.map(drop)
    }

    /// Keeps a picture of the whole page as `name`.png, and returns the file.
    ///
    /// # Errors
    /// [`RigError::Browser`] with the driver's reason, [`RigError::Io`] when it cannot be written.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf, RigError> {
        let options = json!({ "format": "png", "captureBeyondViewport": true });
        let command = json!({ "cmd": "Page.captureScreenshot", "params": options });
        let answer = self.session.post("goog/cdp/execute", command).await?;
        let bytes = STANDARD
            .decode(field(&answer, "data")?)
            .map_err(|error| RigError::Contract { who: "ChromeDriver", answer: error.to_string() })?;
        let file = self.screenshots.join(format!("{name}.png"));
        std::fs::write(&file, bytes).map_err(RigError::io(file.display().to_string()))?;
        Ok(file)
    }

    /// Closes the browser and proves that none of its processes is left.
    ///
    /// # Errors
    /// [`RigError::Leftovers`] when one is.
    pub async fn stop(mut self) -> Result<(), RigError> {
        self.session.delete().await?;
        if let Some(driver) = self.driver.take() {
            driver.stop().await?;
        }
        process::none_left(self.profile.path()).await
    }

    async fn field(&self, label: &str) -> Result<Element, RigError> {
        let says = quoted(label);
        let path = format!(
            "//*[@id=//label[normalize-space()={says}]/@for] \
             | //label[normalize-space(text())={says}]//*[self::input or self::select or self::textarea] \
             | //*[@name={says}][not(//label[normalize-space()={says}])]"
        );
        self.session.find(By::XPath(&path)).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium leads a process group of its own and would outlive a driver that was killed.
        drop(self.driver.take());
        for pid in process::naming(self.profile.path()) {
            process::signal(pid, rustix::process::Signal::KILL);
        }
    }
}

/// A string as XPath 1.0 writes it: it has no escapes, so a text with both kinds of quotes is concatenated.
fn quoted(text: &str) -> String {
    if text.contains('"') {
        format!("concat(\"{}\", '')", text.replace('"', "\", '\"', \""))
    } else {
        format!("\"{text}\"")
    }
}

fn capabilities(profile: &Path, scripts: Scripts) -> Value {
    let arguments = [
        "--headless=new",
        // The tests run as root, where Chromium's own sandbox does not start.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
    ];
    let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
    arguments.push(format!("--user-data-dir={}", profile.join("profile").display()));
    // 2 is Chromium's "block".
    let preferences = match scripts {
        Scripts::Allowed => json!({}),
        Scripts::Blocked => json!({ "profile.managed_default_content_settings.javascript": 2 }),
    };
    json!({
        "browserName": "chrome",
        "acceptInsecureCerts": true,
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "args": arguments, "prefs": preferences },
    })
}

/// ChromeDriver chooses a free port and prints it.
async fn driver_port(driver: &mut Group) -> Result<u16, RigError> {
    let Some(output) = driver.take_output() else {
        return Err(RigError::Contract { who: "the rig", answer: "no standard output".to_owned() });
    };
    let lines = tokio::task::spawn_blocking(move || {
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let port = lines.find_map(|line| port_of(&line));
        // What follows is read and dropped, so that the driver never blocks on it.
        std::thread::spawn(move || lines.for_each(drop));
        port
    });
    let port = tokio::time::timeout(START, lines).await.ok().and_then(Result::ok).flatten();
    port.ok_or_else(|| RigError::Contract { who: "ChromeDriver", answer: "it named no port".to_owned() })
}

/// The port in `ChromeDriver was started successfully on port 12345.`
fn port_of(line: &str) -> Option<u16> {
    line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_port_is_read_from_its_greeting() {
        assert_eq!(port_of("ChromeDriver was started successfully on port 39471."), Some(39471));
        assert_eq!(port_of("Only local connections are allowed."), None);
    }

    #[test]
    fn a_text_with_quotes_is_one_xpath_string() {
        assert_eq!(quoted("Your pet's name"), "\"Your pet's name\"");
        assert_eq!(quoted("say \"hi\""), "concat(\"say \", '\"', \"hi\", '\"', \"\", '')");
    }
}
