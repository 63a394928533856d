//! From a configuration to the texts of a tree. File names come from people's names for things; in a tree they count
//! only as names in a list.

use super::files::{
    ConnectionFile, Duration, EndpointFile, GeneralFile, HelpdeskFile, LdapsFile, MailFile, MailLoginFile,
    MailServerFile, MirrorFile, PasswordFile, PolicyFile, RoleFile, RolesFile, ScopeFile, SealedReference,
    TreeFile, VerificationFile,
};
use super::{FORMAT, HEAD, MAIL_FILE, NotWritable, Tree, print};
use passquorum_domain::config::{
    DirectoryEndpoint, DomainConnection, GeneralSettings, ManagementPolicy, RealmConfig,
};
use passquorum_domain::helpdesk::HelpdeskPolicy;
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::mail::{MailServer, MailSettings};
use passquorum_domain::scope::{RoleScope, UserScope};
use serde::Serialize;
use std::collections::BTreeSet;

const TREE: &str = "A passquorum configuration. `passquorum config plan` shows what a change here would do.
The lists name the files below connections/ and policies/. The first policy whose scope holds a user serves that user.";
const GENERAL: &str = "What belongs to no domain and no policy.";
const MAIL: &str = "How the realm sends mail. Passwords are never here: \"kept\" leaves one as it is in the realm; `passquorum mail set`
enters another. A text in [[texts]] goes before the built-in one of its language; further languages are added here.";
const ADMINISTRATORS: &str = "Members of these groups may use the Admin site.";
const HELPDESK: &str = "Members of these groups may use the Helpdesk site.";
const CONNECTION: &str =
    "A domain that users live in. The access account's password is never here: \"kept\" leaves it as it is in
the realm; `passquorum connection set` enters another.";
const POLICY: &str = "Whom this policy serves, who helps them, and when wrong answers lock. The list names the files below workflows/.";
const QUESTIONS: &str = "The question list, and what a person's profile needs.";
const PASSWORD: &str = "Password rules beside the domain's.";
const WORKFLOW: &str = "A workflow: its activities in order.";

pub(super) fn tree(config: &RealmConfig) -> Result<Tree, NotWritable> {
    let mut writer = Writer { tree: Tree::default(), config };
    let connections = names(config.connections.iter().map(|connection| connection.alias.as_str()));
    let policies = names(config.policies.iter().map(|policy| policy.name.as_str()));
    for (name, connection) in connections.iter().zip(&config.connections) {
        writer.put(format!("connections/{name}.toml"), CONNECTION, &connection_file(connection))?;
    }
    for (name, policy) in policies.iter().zip(&config.policies) {
        writer.policy(&format!("policies/{name}"), policy)?;
    }
    let general = writer.general(&config.general);
    writer.put("general.toml".to_owned(), GENERAL, &general)?;
    if let Some(mail) = &config.general.mail {
        writer.put(MAIL_FILE.to_owned(), MAIL, &mail_file(mail))?;
    }
    for (name, comment, roles) in [
        ("administrators.toml", ADMINISTRATORS, &config.administrators),
        ("helpdesk.toml", HELPDESK, &config.helpdesk),
    ] {
        let groups = RolesFile { groups: roles.iter().map(|role| writer.role(role)).collect() };
        writer.put(name.to_owned(), comment, &groups)?;
    }
    let head = TreeFile { format: FORMAT, revision: config.revision, connections, policies };
    writer.put(HEAD.to_owned(), TREE, &head)?;
    Ok(writer.tree)
}

struct Writer<'a> {
    tree: Tree,
    config: &'a RealmConfig,
}

impl Writer<'_> {
    fn put(&mut self, path: String, comment: &str, content: &impl Serialize) -> Result<(), NotWritable> {
        let table = toml::Table::try_from(content)?;
        self.tree.0.insert(path, print::file(comment, &table));
        Ok(())
    }

    /// What people call a connection. One that is not there keeps its id, which then is no alias either.
    fn alias(&self, id: ConnectionId) -> String {
        self.config.connection(id).map_or_else(|| id.to_string(), |connection| connection.alias.clone())
    }

    fn general(&self, general: &GeneralSettings) -> GeneralFile {
        GeneralFile {
            organisation: general.organisation.clone(),
            session: Duration(general.session),
            certificate_life: Duration(general.certificate_life),
            source_limit: (&general.source_limit).into(),
            mirror: general.mirror.as_ref().map(|mirror| MirrorFile {
                connection: self.alias(mirror.connection),
                container: mirror.container.clone(),
            }),
            monitors: general.monitors.clone(),
            logging: general.logging.clone(),
        }
    }

    fn role(&self, role: &RoleScope) -> RoleFile {
        RoleFile { connection: self.alias(role.connection), group: role.group.clone() }
    }

    fn scope(&self, scope: &UserScope) -> ScopeFile {
        ScopeFile {
            connection: self.alias(scope.connection),
            allowed_groups: scope.allowed_groups.clone(),
            allowed_ous: scope.allowed_ous.clone(),
            denied_groups: scope.denied_groups.clone(),
            denied_ous: scope.denied_ous.clone(),
        }
    }

    fn helpdesk(&self, helpdesk: &HelpdeskPolicy) -> HelpdeskFile {
        HelpdeskFile {
            tasks: helpdesk.tasks.clone(),
            must_change: helpdesk.must_change,
            verification: helpdesk.verification.map(|verification| VerificationFile {
                questions: verification.questions,
                valid_for: Duration(verification.valid_for),
                from: verification.from,
                how: verification.how,
            }),
            groups: helpdesk.groups.iter().map(|group| self.role(group)).collect(),
        }
    }

    fn policy(&mut self, folder: &str, policy: &ManagementPolicy) -> Result<(), NotWritable> {
        let workflows = names(policy.workflows.iter().map(|workflow| workflow.name.as_str()));
        for (name, workflow) in workflows.iter().zip(&policy.workflows) {
            self.put(format!("{folder}/workflows/{name}.toml"), WORKFLOW, workflow)?;
        }
        self.put(format!("{folder}/questions.toml"), QUESTIONS, &policy.qa)?;
        let rules = PasswordFile { rules: policy.password_rules.clone() };
        self.put(format!("{folder}/password.toml"), PASSWORD, &rules)?;
        let file = PolicyFile {
            id: policy.id,
            name: policy.name.clone(),
            workflows,
            lockout: (&policy.lockout).into(),
            scope: policy.scope.iter().map(|scope| self.scope(scope)).collect(),
            notices: policy.notices,
            helpdesk: (!policy.helpdesk.is_usual()).then(|| self.helpdesk(&policy.helpdesk)),
        };
        self.put(format!("{folder}/policy.toml"), POLICY, &file)
    }
}

fn mail_file(mail: &MailSettings) -> MailFile {
    let server = |server: &MailServer| MailServerFile {
        host: server.host.clone(),
        port: server.port,
        security: server.security,
        authorities: server.authorities.clone(),
        login: server
            .login
            .as_ref()
            .map(|login| MailLoginFile { user: login.user.clone(), password: SealedReference::Kept }),
    };
    MailFile {
        sender: mail.sender.clone(),
        sender_name: mail.sender_name.clone(),
        language: mail.language.clone(),
        administrators: mail.administrators.clone(),
        servers: mail.servers.iter().map(server).collect(),
        texts: mail.texts.clone(),
    }
}

fn connection_file(connection: &DomainConnection) -> ConnectionFile {
    ConnectionFile {
        id: connection.id,
        alias: connection.alias.clone(),
        profile_attribute: connection.profile_attribute.clone(),
        former_profile_attribute: connection.former_profile_attribute.clone(),
        endpoint: match &connection.endpoint {
            DirectoryEndpoint::Embedded => EndpointFile::Embedded,
            DirectoryEndpoint::Ldaps(ldaps) => EndpointFile::Ldaps(LdapsFile {
                servers: ldaps.servers.clone(),
                base: ldaps.base.clone(),
                bind_name: ldaps.bind_name.clone(),
                bind_password: SealedReference::Kept,
                push_sites: ldaps.push_sites.clone(),
                authorities: ldaps.authorities.clone(),
            }),
        },
    }
}

/// A file name for each thing: its name in small letters, digits and hyphens, with a number where that is taken.
fn names<'a>(things: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    things
        .map(|thing| {
            let plain = file_name(thing);
            let numbered = (2_usize..).map(|number| format!("{plain}-{number}"));
            let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !taken.contains(name));
            let name = free.unwrap_or(plain);
            taken.insert(name.clone());
            name
        })
        .collect()
}

fn file_name(thing: &str) -> String {
    const LONGEST: usize = 40;
    let words: Vec<String> = thing
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let name: String = words.join("-").chars().take(LONGEST).collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain_and_never_the_same() {
        let things =
            ["Forgot My Password", "forgot-my password!", "../..", "Ärzte", "", "forgot my password 2"];
        let expected = [
            "forgot-my-password",
            "forgot-my-password-2",
            "unnamed",
            "rzte",
            "unnamed-2",
            "forgot-my-password-2-2",
        ];
        assert_eq!(names(things.into_iter()), expected);
    }
}
