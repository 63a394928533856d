//! SMTP: one mail to one server over a connection of its own. The only place that knows the mail library.

use super::{Account, Handed, Transport};
use async_trait::async_trait;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use passquorum_domain::mail::{Mail, MailAddress, MailSecurity, MailServer, MailSettings};
use secrecy::ExposeSecret as _;
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::timeout;

/// How long a server may take to be reached.
const CONNECT: Duration = Duration::from_secs(5);
/// Within this a server may say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// The ways in which servers take a password, over TLS only.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Talks SMTP.
pub(crate) struct Smtp {
    /// The name that this node greets with.
    pub(crate) host: String,
}

#[async_trait]
impl Transport for Smtp {
    async fn hand(
        &self,
        server: &MailServer,
        account: Option<Account<'_>>,
        settings: &MailSettings,
        mail: &Mail,
    ) -> Handed {
        let message = match message(settings, mail) {
            Ok(message) => message,
            Err(why) => return Handed::NotNow(why),
        };
        let mut connection = match self.connect(server, account).await {
            Ok(connection) => connection,
            Err(why) => return Handed::NotNow(why),
        };
        let handed = match connection.send(message.envelope(), &message.formatted()).await {
            Ok(_) => Handed::Taken,
            Err(error) => refusal(&error),
        };
        // The server has decided; nobody waits for its goodbye.
        tokio::spawn(async move { timeout(GOODBYE, connection.quit()).await });
        handed
    }
}

/// Whether an error decides about the mail. What is wrong with this node's account decides nothing.
fn refusal(error: &lettre::transport::smtp::Error) -> Handed {
    const ACCOUNT: [u16; 4] = [530, 534, 535, 538];
    let code = error.status().map(u16::from).filter(|code| error.is_permanent() && !ACCOUNT.contains(code));
    // A server's words may hold the recipient's address, so only the kind of error is told.
    code.map_or_else(
        || {
            Handed::NotNow(match error.status() {
                Some(code) => format!("it answered {code}"),
                None => "the connection broke".to_owned(),
            })
        },
        Handed::Refused,
    )
}

impl Smtp {
    async fn connect(
        &self,
        server: &MailServer,
        account: Option<Account<'_>>,
    ) -> Result<AsyncSmtpConnection, String> {
        // A server's own words may hold the account's name, so only the code is told.
        let said = |error: lettre::transport::smtp::Error| match error.status() {
            Some(code) => format!("it answered {code}"),
            None => error.to_string(),
        };
        let hello = match self.host.trim_matches(['[', ']']).parse() {
            Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
            Err(_) => ClientId::Domain(self.host.clone()),
        };
        let tls = match server.security {
            MailSecurity::None => None,
            MailSecurity::Starttls | MailSecurity::Tls => Some(tls(server)?),
        };
        let wrapped = tls.clone().filter(|_| server.security == MailSecurity::Tls);
        let address = (server.host.as_str(), server.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &hello, wrapped, None)
                .await
                .map_err(said)?;
        if let Some(tls) = tls.filter(|_| server.security == MailSecurity::Starttls) {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err("it does not offer STARTTLS".to_owned());
            }
            connection.starttls(tls, &hello).await.map_err(said)?;
        }
        if let Some(Account { user, password }) = account {
            let credentials = Credentials::new(user.to_owned(), password.expose_secret().to_owned());
            connection.auth(&MECHANISMS, &credentials).await.map_err(said)?;
        }
        Ok(connection)
    }
}

fn tls(server: &MailServer) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if !server.authorities.trim().is_empty() {
        // Those and no others.
        builder = builder.certificate_store(CertificateStore::None);
        let read = Certificate::from_pem(server.authorities.as_bytes());
        builder = builder
            .add_root_certificate(read.map_err(|error| format!("its authorities cannot be read: {error}"))?);
    }
    builder.build_rustls().map_err(|error| error.to_string())
}

fn mailbox(name: Option<&str>, address: &MailAddress) -> Result<Mailbox, String> {
    let address: Address =
        address.as_str().parse().map_err(|_| "an address is not one for SMTP".to_owned())?;
    // The library panics at a name with what no head can hold.
    let printable = |name: &str| name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Ok(Mailbox::new(name.map(printable), address))
}

/// The mail as it goes over the wire. The library encodes whatever could end a line of the head.
fn message(settings: &MailSettings, mail: &Mail) -> Result<Message, String> {
    let mut message = Message::builder()
        .message_id(Some(format!("<{}>", mail.message_id)))
        .date(UNIX_EPOCH + Duration::from_millis(mail.written_at.0))
        .from(mailbox(Some(&settings.sender_name), &settings.sender)?)
        .to(mailbox(None, &mail.to)?)
        .subject(mail.subject.clone())
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| error.to_string())?;
    let headers = [("Auto-Submitted", "auto-generated"), ("Content-Language", mail.language.as_str())];
    for (name, value) in headers {
        let name = HeaderName::new_from_ascii_str(name);
        message.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::mail::Language;
    use passquorum_domain::time::Timestamp;
    use proptest::prelude::*;

    fn head(subject: &str, sender_name: &str) -> Vec<String> {
        let settings = MailSettings {
            servers: Vec::new(),
            sender: "realm@corp.example".parse().unwrap(),
            sender_name: sender_name.to_owned(),
            administrators: Vec::new(),
            language: Language::english(),
            texts: Vec::new(),
        };
        let mail = Mail {
            to: "alice@corp.example".parse().unwrap(),
            message_id: "1@corp.example".to_owned(),
            written_at: Timestamp(1_800_000_000_000),
            language: Language::english(),
            subject: subject.to_owned(),
            text: "text".to_owned(),
            html: "<p>text</p>".to_owned(),
        };
        let whole = String::from_utf8(message(&settings, &mail).unwrap().formatted()).unwrap();
        let (head, _) = whole.split_once("\r\n\r\n").unwrap();
        let is_name = |line: &&str| !line.starts_with([' ', '\t']);
        head.split("\r\n").filter(is_name).map(|line| line.split(':').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_head_says_who_what_and_that_no_person_wrote_it() {
        let expected = [
            "Message-ID",
            "Date",
            "From",
            "To",
            "Subject",
            "MIME-Version",
            "Auto-Submitted",
            "Content-Language",
            "Content-Type",
        ];
        assert_eq!(head("Ihr Kennwort wurde zurückgesetzt", "Realm"), expected);
    }

    proptest! {
        #[test]
        fn nothing_in_a_name_or_a_subject_adds_to_the_head(text in any::<String>()) {
            let planted = format!("{text}\r\nBcc: x@y.z\r\n\r\nbody");
            let plain = head("Subject", "Name");
            prop_assert_eq!(&head(&planted, "Name"), &plain);
            prop_assert_eq!(&head("Subject", &planted), &plain);
        }
    }
}
