//! `mail`: the mail servers, a test, and the outbox. A password comes from standard input and goes to the node's local socket
//! only; the node seals it before anything is proposed.

use super::{Failure, answer, data_dir, secret_input};
use crate::cli::{MailCommand, Output, SetMailArgs, TestMailArgs};
use crate::client::Client;
use http::{Method, header};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::mail::{MailResult, MailSecurity, MailServer, MailSettings, OutboxCount};
use passquorum_domain::time::Timestamp;
use passquorum_domain::utc;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(super) async fn run(command: MailCommand) -> Result<(), Failure> {
    match command {
        MailCommand::Servers(output) => servers(&output).await,
        MailCommand::Set(args) => set(&args).await,
        MailCommand::Test(args) => test(&args).await,
        MailCommand::Queue(output) => queue(&output).await,
    }
}

fn client(output: &Output) -> Result<Client, Failure> {
    Ok(Client::of(data_dir(&output.local.dir)?))
}

async fn servers(output: &Output) -> Result<(), Failure> {
    let config: RealmConfig = client(output)?.get("/api/v1/config").await?;
    let Some(mail) = config.general.mail else {
        return answer(if output.json {
            "null"
        } else {
            "no mail server is configured; see passquorum mail set"
        });
    };
    if output.json {
        let servers = mail.servers.iter().map(|server| {
            let user = server.login.as_ref().map(|login| &login.user);
            json!({ "server": server.address(), "security": server.security, "user": user })
        });
        let servers: Vec<Value> = servers.collect();
        let MailSettings { sender, sender_name, administrators, language, .. } = &*mail;
        let shown = json!({ "servers": servers, "sender": sender, "sender_name": sender_name,
            "administrators": administrators, "language": language });
        return answer(&shown.to_string());
    }
    let mut out = format!("from {} <{}>", mail.sender_name, mail.sender);
    for server in &mail.servers {
        let security = match server.security {
            MailSecurity::Starttls => "STARTTLS, required",
            MailSecurity::Tls => "TLS",
            MailSecurity::None => "NOT PROTECTED: everyone on the way can read and change mails",
        };
        let user = server.login.as_ref().map_or(String::new(), |login| format!(", as {}", login.user));
        out.push_str(&format!("\n{:<32} {security}{user}", server.address()));
    }
    answer(&out)
}

/// Host and port; an IPv6 address with a port stands in brackets.
fn host_and_port(text: &str) -> Result<(String, u16), Failure> {
    let bad = || Failure::usage(format!("{text}: use HOST or HOST:PORT"));
    let inner = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match inner {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None if text.matches(':').count() > 1 => (text, None),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Ok(MailServer::usual_port()), |port| port.parse().map_err(|_| bad()))?;
    Ok((host.to_owned(), port))
}

async fn set(args: &SetMailArgs) -> Result<(), Failure> {
    let authorities = match &args.authorities {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?,
        None => String::new(),
    };
    let login = match &args.user {
        Some(user) => {
            let password = secret_input::line("The account's password, then Enter (it is not shown):")?;
            json!({ "user": user, "password": password.expose_secret() })
        }
        None => Value::Null,
    };
    let mut servers = Vec::with_capacity(args.servers.len());
    for server in &args.servers {
        let (host, port) = host_and_port(server)?;
        let security = MailSecurity::from(args.security);
        servers.push(json!({ "host": host, "port": port, "security": security, "authorities": authorities,
            "login": login }));
    }
    let SetMailArgs { sender, sender_name, administrators, language, .. } = args;
    let body = json!({ "servers": servers, "sender": sender, "sender_name": sender_name,
        "administrators": administrators, "language": language });
    let body = Zeroizing::new(body.to_string());
    let client = client(&args.output)?;
    let present: Value = client.get("/api/v1/config").await?;
    let revision = format!("\"{}\"", present.get("revision").and_then(Value::as_u64).unwrap_or_default());
    let headers = [(header::IF_MATCH, revision.as_str())];
    let changed = client.send(Method::PUT, "/api/v1/mail", &headers, body.as_bytes().to_vec()).await?;
    let changed: Value = serde_json::from_slice(changed.body())?;
    if args.output.json {
        return answer(&changed.to_string());
    }
    let revision = changed.get("revision").unwrap_or(&Value::Null);
    answer(&format!("the mail servers are set; the configuration is at revision {revision} now"))
}

async fn test(args: &TestMailArgs) -> Result<(), Failure> {
    let queued: Value = client(&args.output)?.post("/api/v1/mail/test", &json!({ "to": args.to })).await?;
    if args.output.json {
        return answer(&queued.to_string());
    }
    let id = queued.get("mail").and_then(Value::as_str).unwrap_or_default();
    answer(&format!("mail {id} is queued; passquorum mail queue shows what becomes of it"))
}

#[derive(Deserialize)]
struct Outbox {
    count: OutboxCount,
    mails: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    queued_at: Timestamp,
    attempts: u32,
    #[serde(flatten)]
    standing: Standing,
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
enum Standing {
    Waiting { next_attempt: Option<Timestamp> },
    Closed { result: MailResult },
}

async fn queue(output: &Output) -> Result<(), Failure> {
    let shown: Value = client(output)?.get("/api/v1/mail/queue").await?;
    if output.json {
        return answer(&shown.to_string());
    }
    let outbox: Outbox = serde_json::from_value(shown)?;
    let OutboxCount { waiting, bytes, closed } = outbox.count;
    let mut out = format!("{waiting} waiting ({bytes} bytes), {closed} closed lately");
    for mail in &outbox.mails {
        let standing = match &mail.standing {
            Standing::Waiting { next_attempt: None } => "waiting".to_owned(),
            Standing::Waiting { next_attempt: Some(at) } => {
                format!("waiting, next attempt {}", utc::format(*at))
            }
            Standing::Closed { result: MailResult::Sent } => "sent".to_owned(),
            Standing::Closed { result: MailResult::Refused { code } } => format!("refused with {code}"),
            Standing::Closed { result: MailResult::Expired } => "not sent in time".to_owned(),
        };
        let (queued, attempts) = (utc::format(mail.queued_at), mail.attempts);
        out.push_str(&format!("\n{} {queued} {attempts:>3} attempts  {standing}", mail.id));
    }
    answer(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_given_with_or_without_a_port() {
        let read = |text| host_and_port(text).ok();
        assert_eq!(read("mail.corp"), Some(("mail.corp".to_owned(), 25)));
        assert_eq!(read("mail.corp:587"), Some(("mail.corp".to_owned(), 587)));
        assert_eq!(read("fd00::1"), Some(("fd00::1".to_owned(), 25)));
        assert_eq!(read("[fd00::1]:465"), Some(("fd00::1".to_owned(), 465)));
        assert_eq!(read("mail.corp:x"), None);
        assert_eq!(read("mail.corp:70000"), None);
    }
}
