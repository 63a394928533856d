//! `status --watch`: looks again each second, until Ctrl-C. On a terminal the view stays in place, on a screen of its own;
//! elsewhere, and with `--json`, what is seen comes line after line.
//!
//! A node that does not answer is a thing to be seen too: the view says so and goes on.

use super::{render, word};
use crate::client::Client;
use crate::commands::{Failure, answer};
use crate::health::NodeStatus;
use crate::supervise;
use passquorum_domain::findings::Severity;
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(client: &Client, as_json: bool) -> Result<(), Failure> {
    let stop = supervise::stop_signal()?;
    tokio::pin!(stop);
    let screen = (!as_json && std::io::stdout().is_terminal()).then(Screen::enter).transpose()?;
    loop {
        let seen = client.get::<NodeStatus>("/status").await;
        match (&screen, as_json) {
            (_, true) => answer(&match seen {
                Ok(status) => serde_json::to_string(&status)?,
                Err(error) => json!({ "error": error.to_string() }).to_string(),
            })?,
            (Some(screen), _) => {
                screen.show(&seen.map_or_else(|error| error.to_string(), |status| render(&status)))?
            }
            (None, _) => answer(&seen.map_or_else(|error| error.to_string(), |status| render(&status)))?,
        }
        tokio::select! {
            _ = &mut stop => return Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// The terminal's other screen, so that what was there before is there again afterwards (xterm control sequences).
struct Screen {
    colours: bool,
}

impl Screen {
    fn enter() -> std::io::Result<Self> {
        write_out("\x1b[?1049h\x1b[?25l")?;
        // See no-color.org.
        Ok(Self { colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) })
    }

    fn show(&self, view: &str) -> std::io::Result<()> {
        let mut frame = String::from("\x1b[H");
        for line in view.lines() {
            let colour = if self.colours { colour(line) } else { "" };
            frame.push_str(colour);
            frame.extend(line.chars().filter(|c| !c.is_control()));
            frame.push_str("\x1b[0m\x1b[K\r\n");
        }
        frame.push_str("\x1b[J\r\nCtrl-C ends");
        write_out(&frame)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = write_out("\x1b[?25h\x1b[?1049l");
    }
}

fn colour(line: &str) -> &'static str {
    let begins = |severity| line.starts_with(word(severity));
    if begins(Severity::Bad) || line.contains("quorum NO") {
        "\x1b[1;31m"
    } else if begins(Severity::Warning) {
        "\x1b[1;33m"
    } else if line.contains("  leader ") && !line.starts_with("leader") {
        "\x1b[1m"
    } else {
        ""
    }
}

fn write_out(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}
