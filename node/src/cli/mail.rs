//! The grammar of `mail`.

use super::Output;
use clap::{Args, Subcommand, ValueEnum};
use passquorum_domain::mail::{Language, MailAddress, MailSecurity};
use std::path::PathBuf;

/// `mail`.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Show the mail servers and whom mails are from.
    Servers(Output),
    /// Enter the mail servers. The password of an account is read from standard input.
    Set(SetMailArgs),
    /// Queue a test mail.
    Test(TestMailArgs),
    /// Show which mails wait, and what became of those that were closed lately.
    Queue(Output),
}

/// `mail set`.
#[derive(Debug, Clone, Args)]
pub struct SetMailArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// A mail server, as HOST or HOST:PORT (25 without a port); may be given several times, in order.
    #[arg(long = "server", value_name = "HOST[:PORT]", required = true)]
    pub servers: Vec<String>,
    /// How mail is protected on its way to the servers.
    #[arg(long, value_enum, default_value = "starttls")]
    pub security: Security,
    /// PEM file with the authorities of the servers' certificates; those of the host without it.
    #[arg(long)]
    pub authorities: Option<PathBuf>,
    /// The account at the servers that may send.
    #[arg(long)]
    pub user: Option<String>,
    /// Whom mails are from.
    #[arg(long)]
    pub sender: MailAddress,
    /// The name beside that address.
    #[arg(long, default_value = "passquorum")]
    pub sender_name: String,
    /// Who is told what policies tell administrators; may be given several times.
    #[arg(long = "administrator", value_name = "ADDRESS")]
    pub administrators: Vec<MailAddress>,
    /// The language of whoever asks for none that there are texts in.
    #[arg(long, default_value = "en")]
    pub language: Language,
}

/// `mail test`.
#[derive(Debug, Clone, Args)]
pub struct TestMailArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// To whom.
    pub to: MailAddress,
}

/// How mail is protected on its way to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Security {
    /// TLS begins after a greeting in clear; a server that does not offer it gets nothing.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None: everyone on the way can read and change every mail.
    None,
}

impl From<Security> for MailSecurity {
    fn from(security: Security) -> Self {
        match security {
            Security::Starttls => Self::Starttls,
            Security::Tls => Self::Tls,
            Security::None => Self::None,
        }
    }
}
