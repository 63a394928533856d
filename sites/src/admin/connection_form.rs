//! A domain connection as a form, and back. The access account's password is sealed as it is read.

use super::fields::Fields;
use super::inputs::{Input, Section};
use crate::page_error::Failure;
use crate::ports::Ports;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::config::{DirectoryEndpoint, DomainConnection, LdapsSettings, Problem};
use passquorum_domain::directory::{AdSite, DistinguishedName};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::Purpose;
use passquorum_domain::secret::Password;

/// The form, empty for a new connection.
pub(super) fn sections(present: Option<&DomainConnection>) -> Vec<Section> {
    let alias = present.map_or("", |connection| connection.alias.as_str());
    let attribute = present.map_or("comment", |connection| connection.profile_attribute.as_str());
    let former = present.and_then(|connection| connection.former_profile_attribute.as_deref()).unwrap_or("");
    let mut sections = vec![Section::new(
        "Domain",
        "",
        vec![
            Input::line("alias", "Alias", "What people see, and may type before a backslash.", alias),
            Input::line(
                "profile_attribute",
                "Profile attribute",
                "The user attribute that holds the sealed questions and answers.",
                attribute,
            ),
            Input::line(
                "former_profile_attribute",
                "Former profile attribute",
                "Where profiles were kept before, as long as not all have been moved (passquorum profiles migrate).",
                former,
            ),
        ],
    )];
    match present.map(|connection| &connection.endpoint) {
        Some(DirectoryEndpoint::Embedded) => {}
        Some(DirectoryEndpoint::Ldaps(ldaps)) => sections.extend(ldaps_sections(Some(ldaps))),
        None => sections.extend(ldaps_sections(None)),
    }
    sections
}

fn ldaps_sections(present: Option<&LdapsSettings>) -> [Section; 3] {
    let base = present.map_or("", |ldaps| ldaps.base.as_str());
    let authorities = present.map(|ldaps| ldaps.authorities.as_str());
    let bind_name = present.map_or("", |ldaps| ldaps.bind_name.as_str());
    let hint = if present.is_some() { "Leave it empty to keep the present one." } else { "" };
    [
        Section::new(
            "Domain controllers",
            "",
            vec![
                Input::lines(
                    "servers",
                    "Servers",
                    "In order of preference, one a line: ldaps://host or ldaps://host:port for one controller, dns://domain or \
                     dns://domain/site for all that DNS names, those of the AD site first; client for the one that the \
                     visitor's computer uses, default for all of this connection's domain, those of the node's AD site first.",
                    present.into_iter().flat_map(|ldaps| &ldaps.servers),
                ),
                Input::line("base", "Search base", "Such as DC=example,DC=com.", base),
                Input::lines(
                    "push_sites",
                    "AD sites to push to",
                    "One a line: to each controller of these sites every change of a user is pushed at once, and does not wait for \
                     replication. The access account needs a right for it (passquorum directory check).",
                    present.into_iter().flat_map(|ldaps| &ldaps.push_sites).map(AdSite::as_str),
                ),
            ],
        ),
        Section::new(
            "Trust",
            "",
            vec![Input::lines(
                "authorities",
                "Trusted authorities",
                "PEM certificates that may sign the controllers' certificates.",
                authorities,
            )],
        ),
        Section::new(
            "Access account",
            "",
            vec![
                Input::line("bind_name", "Name", "DN, user principal name or DOMAIN\\name.", bind_name),
                Input::secret("bind_password", "Password", hint),
            ],
        ),
    ]
}

/// The connection as the form has it; what cannot be read is noted in the fields' problems.
pub(super) fn read(
    ports: &Ports,
    fields: &mut Fields,
    id: ConnectionId,
    present: Option<&DomainConnection>,
) -> Result<DomainConnection, Failure> {
    let endpoint = match present.map(|connection| &connection.endpoint) {
        Some(DirectoryEndpoint::Embedded) => DirectoryEndpoint::Embedded,
        Some(DirectoryEndpoint::Ldaps(ldaps)) => {
            DirectoryEndpoint::Ldaps(ldaps_of(ports, fields, id, Some(ldaps))?)
        }
        None => DirectoryEndpoint::Ldaps(ldaps_of(ports, fields, id, None)?),
    };
    let (alias, profile_attribute) = (fields.text("alias"), fields.text("profile_attribute"));
    let former_profile_attribute =
        Some(fields.text("former_profile_attribute")).filter(|former| !former.is_empty());
    Ok(DomainConnection { id, alias, endpoint, profile_attribute, former_profile_attribute })
}

/// The same connection under another id, for which its access account's password is sealed anew.
pub(super) fn under(
    ports: &Ports,
    mut connection: DomainConnection,
    id: ConnectionId,
) -> Result<DomainConnection, Failure> {
    if let DirectoryEndpoint::Ldaps(ldaps) = &mut connection.endpoint {
        let before = connection.id;
        let clear = ports.vault.open(Purpose::ServiceAccount, before.0.as_bytes(), &ldaps.bind_password)?;
        ldaps.bind_password = ports.vault.seal(Purpose::ServiceAccount, id.0.as_bytes(), &clear)?;
    }
    connection.id = id;
    Ok(connection)
}

fn ldaps_of(
    ports: &Ports,
    fields: &mut Fields,
    id: ConnectionId,
    present: Option<&LdapsSettings>,
) -> Result<LdapsSettings, Failure> {
    let base = DistinguishedName::parse(fields.raw("base"));
    let base = match (base, present) {
        (Ok(base), _) => base,
        (Err(error), present) => {
            fields.refuse("base", &format!("use a distinguished name such as DC=example,DC=com: {error}"));
            present.map_or_else(any_name, |ldaps| Ok(ldaps.base.clone()))?
        }
    };
    Ok(LdapsSettings {
        servers: fields.lines("servers"),
        base,
        authorities: fields.raw("authorities").replace("\r\n", "\n").trim().to_owned(),
        bind_name: fields.text("bind_name"),
        bind_password: password(ports, fields, id, present)?,
        push_sites: sites(fields),
    })
}

fn sites(fields: &mut Fields) -> Vec<AdSite> {
    fields.read_lines("push_sites", |line| {
        AdSite::parse(line).map_err(|error| format!("is not the name of an AD site: {error}"))
    })
}

/// Stands in for a base that could not be read, in an edit that is refused for it.
fn any_name() -> Result<DistinguishedName, Failure> {
    DistinguishedName::parse("DC=invalid").map_err(Failure::internal)
}

fn password(
    ports: &Ports,
    fields: &mut Fields,
    id: ConnectionId,
    present: Option<&LdapsSettings>,
) -> Result<Sealed, Failure> {
    // What stands in for a missing password never gets further than the problem that is noted with it.
    let nothing = Sealed(Blob::from(Vec::new()));
    if fields.raw("bind_password").is_empty() {
        return Ok(present.map(|ldaps| ldaps.bind_password.clone()).unwrap_or_else(|| {
            fields.refuse("bind_password", "give the access account's password");
            nothing
        }));
    }
    match Password::parse(fields.raw("bind_password").to_owned()) {
        Ok(password) => {
            Ok(ports.vault.seal(Purpose::ServiceAccount, id.0.as_bytes(), password.expose().as_bytes())?)
        }
        Err(error) => {
            fields.refuse("bind_password", &error.to_string());
            Ok(nothing)
        }
    }
}

/// The configuration's problems with this connection, under the names of the form's inputs.
pub(super) fn located(problems: Vec<Problem>) -> Vec<Problem> {
    problems.into_iter().map(|problem| Problem { field: input_of(&problem.field), ..problem }).collect()
}

fn input_of(field: &str) -> String {
    let path =
        field.strip_prefix("connections[").and_then(|rest| rest.split_once("].")).map_or(field, |(_, p)| p);
    path.split('[').next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_with_one_of_the_servers_belongs_to_the_servers() {
        assert_eq!(input_of("connections[3].servers[1]"), "servers");
        assert_eq!(input_of("connections[3].alias"), "alias");
        assert_eq!(input_of("base"), "base");
    }
}
