//! An SMTP server that keeps what it takes (`ops/rig/mail.sh`).

use std::path::{Path, PathBuf};

use super::RigError;
use super::script::Script;

/// What it does with the next mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It takes them.
    Take,
    /// It refuses each for now, as one that lists greys does.
    Later,
    /// It refuses each for good.
    Never,
    /// It takes them, and breaks off without saying so.
    Lose,
}

/// A mail server; it stops when dropped.
#[derive(Debug)]
pub struct MailServer {
    script: Script,
    port: u16,
}

impl MailServer {
    /// Starts it on 127.0.0.1:`port` with its files in `dir`.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what the script said.
    pub async fn start(dir: &Path, port: u16) -> Result<Self, RigError> {
        let settings = vec![("RIG_LISTEN", format!("127.0.0.1:{port}"))];
        let server = Self { script: Script::new("mail.sh", dir, settings), port };
        server.script.run("up").await?;
        Ok(server)
    }

    /// Starts it again after [`MailServer::stop`].
    ///
    /// # Errors
    /// [`RigError::Failed`] with what the script said.
    pub async fn resume(&self) -> Result<(), RigError> {
        self.script.run("up").await
    }

    /// Stops it; its mails stay.
    ///
    /// # Errors
    /// [`RigError::Failed`] when a process is left.
    pub async fn stop(&self) -> Result<(), RigError> {
        self.script.run("down").await
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The authority of its certificate, a PEM file.
    pub fn authority(&self) -> PathBuf {
        self.script.dir().join("ca.crt")
    }

    /// Sets what it does with the next mails.
    ///
    /// # Errors
    /// The file system's.
    pub fn answer(&self, answer: Answer) -> Result<(), RigError> {
        let word = match answer {
            Answer::Take => "250",
            Answer::Later => "451",
            Answer::Never => "550",
            Answer::Lose => "lose",
        };
        let path = self.script.dir().join("answer");
        std::fs::write(&path, word).map_err(RigError::io(path.display().to_string()))
    }

    /// How many recipients it has refused, for now or for good.
    #[must_use]
    pub fn refused(&self) -> usize {
        let notes = std::fs::read_to_string(self.script.dir().join("refused"));
        notes.map_or(0, |notes| notes.lines().count())
    }

    /// The mails that it has taken, oldest first, each as it came.
    ///
    /// # Errors
    /// The file system's.
    pub fn mails(&self) -> Result<Vec<String>, RigError> {
        let folder = self.script.dir().join("mails");
        let failed = || RigError::io(folder.display().to_string());
        let entries = std::fs::read_dir(&folder).map_err(failed())?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        files.into_iter().map(|file| std::fs::read_to_string(file).map_err(failed())).collect()
    }
}

/// The value of a header of a mail, in one line.
pub fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = mail.split_once("\r\n\r\n")?;
    head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // Nothing is left to tell it to.
        let _ = self.script.run_blocking("down");
    }
}
