//! The general settings, and the groups whose members may use the Admin and Helpdesk sites: one form, one change.

use super::edit::{Desk, Edit, Editor, Notice};
use super::fields::Fields;
use super::inputs::{Input, Section};
use super::policy_form::{lockout, lockout_inputs};
use crate::extract::Form;
use crate::page_error::Failure;
use axum::response::Response;
use passquorum_domain::config::{
    ConfigChange, DomainConnection, GeneralSettings, MirrorSettings, RealmConfig,
};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::scope::RoleScope;

const PART: &str = "/admin/general";

fn sections(config: &RealmConfig) -> Vec<Section> {
    let general = &config.general;
    vec![
        Section::new(
            "Organisation",
            "",
            vec![
                Input::line(
                    "general.organisation",
                    "Name",
                    "It stands on every page.",
                    &general.organisation,
                ),
                Input::number(
                    "general.session",
                    "Time for a task (seconds)",
                    "From a person's first step to the last.",
                    general.session.0 / 1000,
                ),
            ],
        ),
        Section::new(
            "Nodes",
            "",
            vec![Input::number(
                "general.certificate_life",
                "Validity of a node's certificate (seconds)",
                "For certificates from now on. Each node renews its own at about two thirds of that; 7776000 is 90 days.",
                general.certificate_life.0 / 1000,
            )],
        ),
        Section::new(
            "Limit for each network address",
            "Behind a proxy or address translation many people share one address.",
            lockout_inputs("general.source_limit", &general.source_limit),
        ),
        Section::new(
            "Monitoring and logs",
            "These hold on every node at once.",
            vec![
                Input::lines(
                    "general.monitors",
                    "Monitors",
                    "Addresses or networks that may ask for /status and /metrics without a token, one a line. A node's own host and the realm's nodes always may.",
                    &general.monitors,
                ),
                Input::lines(
                    "general.logging",
                    "Log levels",
                    "[NODE:][COMPONENT=]LEVEL, one a line, such as debug, raft=trace or 3:sites=debug. The last one that fits counts.",
                    &general.logging,
                ),
            ],
        ),
        Section::new(
            "Legacy clients",
            "The leader keeps an object in the directory that shows the realm, and a service connection point for each node. Everyone in the domain can read them. Without a container there is neither.",
            vec![
                Input::line(
                    "general.mirror.container",
                    "Storage container",
                    "Its distinguished name, such as CN=_QPMStorageContainer,CN=System,DC=corp,DC=example. What it lies in must be there.",
                    general.mirror.as_ref().map_or("", |mirror| mirror.container.as_str()),
                ),
                Input::line(
                    "general.mirror.connection",
                    "Domain",
                    "The alias of the domain that it lies in; the first domain when left empty.",
                    general
                        .mirror
                        .as_ref()
                        .and_then(|mirror| config.connection(mirror.connection))
                        .map_or("", |connection| connection.alias.as_str()),
                ),
            ],
        ),
        roles("Administrators", "administrators", config, &config.administrators),
        roles("Helpdesk operators", "helpdesk", config, &config.helpdesk),
    ]
}

fn roles(title: &str, at: &str, config: &RealmConfig, scopes: &[RoleScope]) -> Section {
    Section::new(title, "Members of these groups, nested ones too.", role_inputs(at, config, scopes))
}

/// A field of groups for each domain.
pub(super) fn role_inputs(at: &str, config: &RealmConfig, scopes: &[RoleScope]) -> Vec<Input> {
    let of_connection = |connection: &DomainConnection| {
        let groups =
            scopes.iter().filter(|scope| scope.connection == connection.id).map(|scope| &scope.group);
        let label = format!("Groups in {}", connection.alias);
        Input::lines(format!("{at}.{}", connection.id), &label, "One distinguished name a line.", groups)
    };
    config.connections.iter().map(of_connection).collect()
}

/// Reads [`role_inputs`] back.
pub(super) fn read_roles(fields: &mut Fields, at: &str, config: &RealmConfig) -> Vec<RoleScope> {
    let of_connection = |connection: &DomainConnection| {
        let groups = fields.distinguished_names(&format!("{at}.{}", connection.id));
        let connection = connection.id;
        groups.into_iter().map(move |group| RoleScope { connection, group })
    };
    config.connections.iter().flat_map(of_connection).collect()
}

fn read_mirror(fields: &mut Fields, present: &RealmConfig) -> Option<MirrorSettings> {
    const CONTAINER: &str = "general.mirror.container";
    const CONNECTION: &str = "general.mirror.connection";
    let typed = fields.text(CONTAINER);
    if typed.is_empty() {
        return None;
    }
    let alias = fields.text(CONNECTION);
    let is_meant =
        |connection: &&DomainConnection| alias.is_empty() || connection.alias.eq_ignore_ascii_case(&alias);
    let connection = present.connections.iter().find(is_meant).map(|connection| connection.id);
    if connection.is_none() {
        fields.refuse(CONNECTION, "no domain of the realm has this alias");
    }
    let container = DistinguishedName::parse(&typed);
    if let Err(error) = &container {
        fields.refuse(CONTAINER, &format!("is not a distinguished name: {error}"));
    }
    Some(MirrorSettings { connection: connection?, container: container.ok()? })
}

fn read(fields: &mut Fields, present: &RealmConfig) -> RealmConfig {
    let general = GeneralSettings {
        organisation: fields.text("general.organisation"),
        source_limit: lockout(fields, "general.source_limit", &present.general.source_limit),
        session: fields.seconds("general.session", present.general.session),
        mirror: read_mirror(fields, present),
        monitors: fields.parsed_lines("general.monitors"),
        logging: fields.parsed_lines("general.logging"),
        certificate_life: fields.seconds("general.certificate_life", present.general.certificate_life),
        mail: present.general.mail.clone(),
    };
    let administrators = read_roles(fields, "administrators", present);
    let helpdesk = read_roles(fields, "helpdesk", present);
    RealmConfig { general, administrators, helpdesk, ..present.clone() }
}

pub(super) fn editor(config: &RealmConfig) -> Editor {
    Editor {
        title: "General settings".to_owned(),
        part: PART,
        action: PART.to_owned(),
        sections: sections(config),
        related: Vec::new(),
        buttons: Vec::new(),
    }
}

/// The form.
pub(super) async fn show(desk: Desk) -> Result<Response, Failure> {
    let config = desk.config().await?;
    editor(&config).show(&desk, config.revision, Notice::after(desk.saved))
}

/// Saves it.
pub(super) async fn save(desk: Desk, form: Form) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let mut fields = Fields::new(form);
    let next = read(&mut fields, &config);
    if next.administrators.is_empty() && !config.administrators.is_empty() {
        let first = config.connections.first().map(|connection| format!("administrators.{}", connection.id));
        fields.refuse(&first.unwrap_or_default(), "name at least one group; else nobody could sign in here");
    }
    let edit = Edit::new(&mut fields, ConfigChange::Replace(Box::new(next)))?;
    editor(&config).save(&desk, &fields, edit, |problems| problems).await
}
