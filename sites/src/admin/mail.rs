//! How the realm sends mail: the servers, whom mails are from, and a test.

use super::confirm;
use super::edit::{Desk, Edit, Editor, Notice};
use super::fields::Fields;
use super::inputs::{Input, Section};
use crate::extract::Form;
use crate::notify;
use crate::page_error::Failure;
use axum::response::Response;
use passquorum_domain::config::{ConfigChange, GeneralSettings, RealmConfig};
use passquorum_domain::mail::{Language, MailAddress, MailLogin, MailSecurity, MailServer, MailSettings};
use passquorum_domain::ports::Purpose;

const PART: &str = "/admin/mail";

/// Empty places for servers beside those that there are.
const MORE: usize = 1;

fn field(index: usize, name: &str) -> String {
    format!("general.mail.servers[{index}].{name}")
}

fn server_inputs(index: usize, server: Option<&MailServer>) -> Vec<Input> {
    let text = |read: fn(&MailServer) -> &str| server.map_or("", read);
    vec![
        Input::line(
            field(index, "host"),
            "Host",
            "A name or an address. Empty: no server here.",
            text(|s| &s.host),
        ),
        Input::number(field(index, "port"), "Port", "25, 465 or 587 usually.", server.map_or(25, |s| s.port)),
        Input::line(
            field(index, "security"),
            "Protection",
            "starttls (a server without it gets nothing), tls, or none: then everyone on the way can read and change mails.",
            security_name(server.map(|server| server.security).unwrap_or_default()),
        ),
        Input::line(
            field(index, "login"),
            "Account",
            "Where the server asks for one.",
            text(|s| s.login.as_ref().map_or("", |login| login.user.as_str())),
        ),
        Input::secret(
            field(index, "login.password"),
            "Password",
            "Empty: the one stays that is kept for this account at this host.",
        ),
        Input::lines(
            field(index, "authorities"),
            "Authorities",
            "PEM certificates that may sign the server's. Empty: those that the node's host trusts.",
            server.into_iter().flat_map(|server| server.authorities.lines()),
        ),
    ]
}

fn security_name(security: MailSecurity) -> &'static str {
    match security {
        MailSecurity::Starttls => "starttls",
        MailSecurity::Tls => "tls",
        MailSecurity::None => "none",
    }
}

fn sections(config: &RealmConfig) -> Vec<Section> {
    let mail = config.general.mail.as_ref();
    let servers = mail.map(|mail| mail.servers.as_slice()).unwrap_or_default();
    let mut sections = vec![Section::new(
        "Mail",
        "Without a server no mail is sent. Each policy says who is told how its tasks ended.",
        vec![
            Input::line(
                "general.mail.sender",
                "Sender",
                "The address that mails are from.",
                mail.map_or("", |mail| mail.sender.as_str()),
            ),
            Input::line(
                "general.mail.sender_name",
                "Sender's name",
                "It stands beside the address.",
                mail.map_or(config.general.organisation.as_str(), |mail| &mail.sender_name),
            ),
            Input::lines(
                "general.mail.administrators",
                "Administrators",
                "The addresses that policies tell administrators at, one a line.",
                mail.into_iter().flat_map(|mail| &mail.administrators),
            ),
            Input::line(
                "general.mail.language",
                "Language",
                "For whoever asks for none that there are texts in, such as en or de.",
                mail.map_or("en", |mail| mail.language.as_str()),
            ),
        ],
    )];
    sections.extend((0..servers.len() + MORE).map(|index| {
        let title = format!("Server {}", index + 1);
        Section::new(title, "Servers are asked in this order.", server_inputs(index, servers.get(index)))
    }));
    sections
}

pub(super) fn editor(config: &RealmConfig) -> Editor {
    let can_test = config.general.mail.is_some();
    Editor {
        title: "Mail".to_owned(),
        part: PART,
        action: PART.to_owned(),
        sections: sections(config),
        related: Vec::new(),
        buttons: if can_test {
            vec![(format!("{PART}/test"), "Send a test mail to the administrators", false)]
        } else {
            Vec::new()
        },
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(fields: &mut Fields, name: &str) -> Option<T> {
    let read = fields.text(name).parse().map_err(|error: T::Err| error.to_string());
    read.map_err(|message| fields.refuse(name, &message)).ok()
}

fn read_server(
    desk: &Desk,
    fields: &mut Fields,
    index: usize,
    kept: &[MailServer],
) -> Result<Option<MailServer>, Failure> {
    let host = fields.text(&field(index, "host"));
    if host.is_empty() {
        return Ok(None);
    }
    let security = match fields.text(&field(index, "security")).as_str() {
        "starttls" => MailSecurity::Starttls,
        "tls" => MailSecurity::Tls,
        "none" => MailSecurity::None,
        _ => {
            fields.refuse(&field(index, "security"), "use starttls, tls or none");
            MailSecurity::Starttls
        }
    };
    let user = fields.text(&field(index, "login"));
    let typed = field(index, "login.password");
    let login = if user.is_empty() {
        None
    } else if !fields.raw(&typed).is_empty() {
        let context = MailServer::context(&host, &user);
        let clear = fields.raw(&typed).as_bytes();
        Some(MailLogin { password: desk.app.ports.vault.seal(Purpose::MailAccount, &context, clear)?, user })
    } else if let Some(password) = MailServer::kept_password(kept, &host, &user) {
        Some(MailLogin { password: password.clone(), user })
    } else {
        fields.refuse(&typed, "none is kept for this account at this host; type it");
        None
    };
    Ok(Some(MailServer {
        port: fields.number(&field(index, "port"), MailServer::usual_port()),
        authorities: fields.lines(&field(index, "authorities")).join("\n"),
        host,
        security,
        login,
    }))
}

/// What the form says: no mail at all when there is no server.
fn read(
    desk: &Desk,
    fields: &mut Fields,
    present: &RealmConfig,
) -> Result<Option<Box<MailSettings>>, Failure> {
    let kept = present.general.mail.as_ref();
    let kept_servers = kept.map(|kept| kept.servers.as_slice()).unwrap_or_default();
    let mut servers = Vec::new();
    for index in 0..kept_servers.len() + MORE {
        servers.extend(read_server(desk, fields, index, kept_servers)?);
    }
    if servers.is_empty() {
        return Ok(None);
    }
    let sender: Option<MailAddress> = parsed(fields, "general.mail.sender");
    let language: Option<Language> = parsed(fields, "general.mail.language");
    let administrators = fields.parsed_lines("general.mail.administrators");
    let (Some(sender), Some(language)) = (sender, language) else { return Ok(kept.cloned()) };
    Ok(Some(Box::new(MailSettings {
        servers,
        sender,
        sender_name: fields.text("general.mail.sender_name"),
        administrators,
        language,
        texts: kept.map(|kept| kept.texts.clone()).unwrap_or_default(),
    })))
}

/// The form.
pub(super) async fn show(desk: Desk) -> Result<Response, Failure> {
    let config = desk.config().await?;
    editor(&config).show(&desk, config.revision, Notice::after(desk.saved))
}

/// Saves it.
pub(super) async fn save(desk: Desk, form: Form) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let mut fields = confirm::opened(&desk, form);
    let mail = read(&desk, &mut fields, &config)?;
    let change = ConfigChange::SetGeneral(GeneralSettings { mail, ..config.general.clone() });
    let edit = Edit::new(&mut fields, change)?;
    editor(&config).save(&desk, &fields, edit, |problems| problems).await
}

/// Queues a test mail to each administrator.
pub(super) async fn test(desk: Desk, _: Form) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let settings = config.general.mail.as_ref();
    let notice = match settings.filter(|settings| !settings.administrators.is_empty()) {
        None => Notice::Bad("Enter and save a server and an administrator's address first.".to_owned()),
        Some(settings) => {
            for to in &settings.administrators {
                let (_, action) = notify::test(&desk.app.ports, settings, to.clone())?;
                desk.app.ports.commit(desk.staff.actor(), action).await?;
            }
            Notice::Good(
                "The mails are queued. The audit tells what becomes of them; so does `passquorum mail queue`."
                    .to_owned(),
            )
        }
    };
    editor(&config).show(&desk, config.revision, notice)
}
