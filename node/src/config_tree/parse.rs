//! From the texts of a tree to a configuration. Each file is read into its type; names are resolved; the whole is
//! checked as every configuration is.

use super::files::{
    ConnectionFile, EndpointFile, GeneralFile, HelpdeskFile, LdapsFile, MailFile, MailServerFile,
    PasswordFile, PolicyFile, RoleFile, RolesFile, ScopeFile, TreeFile,
};
use super::locate::{Places, PolicyPlaces, line_at, line_of, located};
use super::{Described, FORMAT, HEAD, MAIL_FILE, Tree, TreeProblem, TreeProblems};
use passquorum_domain::blob::Sealed;
use passquorum_domain::config::{
    DirectoryEndpoint, DomainConnection, GeneralSettings, LdapsSettings, ManagementPolicy, MirrorSettings,
    RealmConfig,
};
use passquorum_domain::helpdesk::{HelpdeskPolicy, Verification};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::mail::{MailLogin, MailServer, MailSettings};
use passquorum_domain::qa::QaPolicy;
use passquorum_domain::scope::{RoleScope, UserScope};
use passquorum_domain::workflow::Workflow;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

pub(super) fn tree(tree: &Tree, present: &RealmConfig) -> Result<Described, TreeProblems> {
    let mut reader = Reader {
        tree,
        present,
        read: BTreeSet::new(),
        unknown: Vec::new(),
        aliases: Vec::new(),
        places: Places::default(),
        problems: Vec::new(),
    };
    let described = reader.all();
    reader.unread();
    match described {
        Some(described) if reader.problems.is_empty() => {
            let problems = described.config.problems();
            if problems.is_empty() {
                return Ok(described);
            }
            let text_of = |file: &str| tree.0.get(file).cloned().unwrap_or_default();
            Err(sorted(problems.iter().map(|problem| located(&reader.places, problem, text_of)).collect()))
        }
        _ => Err(sorted(reader.problems)),
    }
}

fn sorted(mut problems: Vec<TreeProblem>) -> TreeProblems {
    problems.sort();
    TreeProblems(problems)
}

struct Reader<'a> {
    tree: &'a Tree,
    /// Whose sealed passwords are kept.
    present: &'a RealmConfig,
    read: BTreeSet<String>,
    /// Where files lie whose list cannot be read.
    unknown: Vec<String>,
    aliases: Vec<(String, ConnectionId)>,
    places: Places,
    problems: Vec<TreeProblem>,
}

impl Reader<'_> {
    fn refuse(&mut self, file: &str, line: Option<usize>, message: String) {
        self.problems.push(TreeProblem { file: file.to_owned(), line, message });
    }

    /// Reads one file into its type.
    fn file<T: DeserializeOwned>(&mut self, path: &str, listed_in: &str) -> Option<T> {
        self.read.insert(path.to_owned());
        let Some(text) = self.tree.0.get(path) else {
            self.refuse(path, None, format!("the file is missing; {listed_in}"));
            return None;
        };
        match toml::from_str(text) {
            Ok(content) => Some(content),
            Err(error) => {
                let line = error.span().map(|span| line_at(text, span.start));
                self.refuse(path, line, error.message().trim().replace('\n', ", "));
                None
            }
        }
    }

    fn all(&mut self) -> Option<Described> {
        const NEEDED: &str = "every exported configuration has it";
        self.unknown.push(String::new());
        let head: TreeFile = self.file(HEAD, NEEDED)?;
        if head.format != FORMAT {
            let message =
                format!("format {} is not known here; this program reads format {FORMAT}", head.format);
            self.refuse(HEAD, self.line(HEAD, "format"), message);
            return None;
        }
        self.unknown.clear();
        let connections = self.connections(head.connections);
        let general: Option<GeneralFile> = self.file("general.toml", NEEDED);
        let mail = self.mail();
        let general = general.and_then(|file| self.general(file));
        let administrators = self.roles("administrators.toml", NEEDED);
        let helpdesk = self.roles("helpdesk.toml", NEEDED);
        let policies = self.policies(head.policies);
        Some(Described {
            revision: head.revision,
            config: RealmConfig {
                revision: head.revision,
                connections,
                policies,
                administrators: administrators?,
                helpdesk: helpdesk?,
                general: GeneralSettings { mail: mail?.map(Box::new), ..general? },
            },
        })
    }

    fn line(&self, file: &str, field: &str) -> Option<usize> {
        line_of(self.tree.0.get(file)?, field)
    }

    /// The names in a list, without those that are there twice.
    fn names(&mut self, file: &str, list: &str, names: Vec<String>) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut kept = Vec::with_capacity(names.len());
        for (index, name) in names.into_iter().enumerate() {
            if seen.insert(name.clone()) {
                kept.push(name);
            } else {
                let line = self.line(file, &format!("{list}[{index}]"));
                self.refuse(file, line, format!("{list}: `{name}` is named twice"));
            }
        }
        kept
    }

    fn connections(&mut self, listed: Vec<String>) -> Vec<DomainConnection> {
        let names = self.names(HEAD, "connections", listed);
        let mut connections = Vec::with_capacity(names.len());
        for name in &names {
            let path = format!("connections/{name}.toml");
            let listed_in = format!("`{name}` stands in the list of connections in tree.toml");
            let Some(file) = self.file::<ConnectionFile>(&path, &listed_in) else { continue };
            self.aliases.push((file.alias.clone(), file.id));
            let endpoint = match file.endpoint {
                EndpointFile::Embedded => DirectoryEndpoint::Embedded,
                EndpointFile::Ldaps(ldaps) => match self.kept_password(file.id) {
                    Some(bind_password) => DirectoryEndpoint::Ldaps(with_password(ldaps, bind_password)),
                    None => {
                        let line = self.line(&path, "endpoint.ldaps.bind_password");
                        let message = format!(
                            "bind_password: the realm keeps no password for the connection {}; enter the connection \
                             with `passquorum connection set --id {}`, then export again",
                            file.id, file.id
                        );
                        self.refuse(&path, line, message);
                        continue;
                    }
                },
            };
            connections.push(DomainConnection {
                id: file.id,
                alias: file.alias,
                endpoint,
                profile_attribute: file.profile_attribute,
                former_profile_attribute: file.former_profile_attribute,
            });
        }
        self.places.connections = names;
        connections
    }

    /// The mail settings, or that there are none; nothing when they cannot be read.
    fn mail(&mut self) -> Option<Option<MailSettings>> {
        if !self.tree.0.contains_key(MAIL_FILE) {
            return Some(None);
        }
        let file: MailFile = self.file(MAIL_FILE, "it is there")?;
        let mut servers = Vec::with_capacity(file.servers.len());
        for (index, server) in file.servers.into_iter().enumerate() {
            let login = match server.login {
                None => None,
                Some(login) => {
                    let kept = self.present.general.mail.as_ref();
                    let kept = kept
                        .and_then(|kept| MailServer::kept_password(&kept.servers, &server.host, &login.user))
                        .cloned();
                    let Some(password) = kept else {
                        let field = format!("servers[{index}].login.password");
                        let message = format!(
                            "{field}: the realm keeps no password for the account {} at {}; enter it with \
                             `passquorum mail set`, then export again",
                            login.user, server.host
                        );
                        self.refuse(MAIL_FILE, self.line(MAIL_FILE, &field), message);
                        continue;
                    };
                    Some(MailLogin { user: login.user, password })
                }
            };
            let MailServerFile { host, port, security, authorities, .. } = server;
            servers.push(MailServer { host, port, security, authorities, login });
        }
        Some(Some(MailSettings {
            servers,
            sender: file.sender,
            sender_name: file.sender_name,
            administrators: file.administrators,
            language: file.language,
            texts: file.texts,
        }))
    }

    fn kept_password(&self, id: ConnectionId) -> Option<Sealed> {
        match &self.present.connection(id)?.endpoint {
            DirectoryEndpoint::Ldaps(ldaps) => Some(ldaps.bind_password.clone()),
            DirectoryEndpoint::Embedded => None,
        }
    }

    /// The connection that people call so.
    fn connection(&mut self, file: &str, field: &str, alias: &str) -> Option<ConnectionId> {
        let found = self.aliases.iter().find(|(known, _)| known == alias).map(|(_, id)| *id);
        // A connection whose file cannot be read may be the one that is meant.
        let all_read = !self.problems.iter().any(|problem| problem.file.starts_with("connections/"));
        if found.is_none() && all_read {
            let known: Vec<_> = self.aliases.iter().map(|(alias, _)| format!("`{alias}`")).collect();
            let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
            let message = format!(
                "{field}: no connection has the alias `{alias}`; expected one of the aliases: {known}"
            );
            self.refuse(file, self.line(file, field), message);
        }
        found
    }

    fn general(&mut self, file: GeneralFile) -> Option<GeneralSettings> {
        let mirror = match file.mirror {
            None => None,
            Some(mirror) => {
                let connection = self.connection("general.toml", "mirror.connection", &mirror.connection)?;
                Some(MirrorSettings { connection, container: mirror.container })
            }
        };
        Some(GeneralSettings {
            organisation: file.organisation,
            source_limit: file.source_limit.into(),
            session: file.session.0,
            mirror,
            monitors: file.monitors,
            logging: file.logging,
            certificate_life: file.certificate_life.0,
            mail: None,
        })
    }

    fn roles(&mut self, path: &str, needed: &str) -> Option<Vec<RoleScope>> {
        let file: RolesFile = self.file(path, needed)?;
        Some(self.groups(path, "groups", file.groups))
    }

    fn groups(&mut self, path: &str, at: &str, groups: Vec<RoleFile>) -> Vec<RoleScope> {
        let mut roles = Vec::with_capacity(groups.len());
        for (index, role) in groups.into_iter().enumerate() {
            let field = format!("{at}[{index}].connection");
            if let Some(connection) = self.connection(path, &field, &role.connection) {
                roles.push(RoleScope { connection, group: role.group });
            }
        }
        roles
    }

    fn helpdesk(&mut self, path: &str, file: HelpdeskFile) -> HelpdeskPolicy {
        HelpdeskPolicy {
            groups: self.groups(path, "helpdesk.groups", file.groups),
            tasks: file.tasks,
            must_change: file.must_change,
            verification: file.verification.map(|verification| Verification {
                questions: verification.questions,
                valid_for: verification.valid_for.0,
                from: verification.from,
                how: verification.how,
            }),
        }
    }

    fn policies(&mut self, listed: Vec<String>) -> Vec<ManagementPolicy> {
        let names = self.names(HEAD, "policies", listed);
        names.iter().filter_map(|name| self.policy(name)).collect()
    }

    fn policy(&mut self, name: &str) -> Option<ManagementPolicy> {
        let folder = format!("policies/{name}");
        let needed = format!("`{name}` stands in the list of policies in tree.toml");
        let path = format!("{folder}/policy.toml");
        let file: Option<PolicyFile> = self.file(&path, &needed);
        let qa: Option<QaPolicy> = self.file(&format!("{folder}/questions.toml"), &needed);
        let rules: Option<PasswordFile> = self.file(&format!("{folder}/password.toml"), &needed);
        let Some(file) = file else {
            self.unknown.push(format!("{folder}/workflows/"));
            return None;
        };
        let scope = self.scope(&path, file.scope);
        let helpdesk = file.helpdesk.map(|helpdesk| self.helpdesk(&path, helpdesk)).unwrap_or_default();
        let names = self.names(&path, "workflows", file.workflows);
        let mut workflows = Vec::with_capacity(names.len());
        for name in &names {
            let listed_in = format!("`{name}` stands in the list of workflows in {path}");
            let workflow: Option<Workflow> =
                self.file(&format!("{folder}/workflows/{name}.toml"), &listed_in);
            workflows.extend(workflow);
        }
        self.places.policies.push(PolicyPlaces { folder, workflows: names });
        Some(ManagementPolicy {
            id: file.id,
            name: file.name,
            scope,
            qa: qa?,
            lockout: file.lockout.into(),
            password_rules: rules?.rules,
            workflows,
            notices: file.notices,
            helpdesk,
        })
    }

    fn scope(&mut self, path: &str, scopes: Vec<ScopeFile>) -> Vec<UserScope> {
        let mut read = Vec::with_capacity(scopes.len());
        for (index, scope) in scopes.into_iter().enumerate() {
            let field = format!("scope[{index}].connection");
            let Some(connection) = self.connection(path, &field, &scope.connection) else { continue };
            let ScopeFile { allowed_groups, allowed_ous, denied_groups, denied_ous, .. } = scope;
            read.push(UserScope { connection, allowed_groups, allowed_ous, denied_groups, denied_ous });
        }
        read
    }

    /// Files that no list names: somebody forgot to, or took a name out and left the file.
    fn unread(&mut self) {
        let is_lost = |path: &String| {
            !self.read.contains(path) && !self.unknown.iter().any(|folder| path.starts_with(folder))
        };
        let lost: Vec<String> = self.tree.0.keys().filter(|path| is_lost(path)).cloned().collect();
        for path in lost {
            let message = "no list names this file; name it in tree.toml (or a workflow in its policy.toml), or \
                           remove it";
            self.refuse(&path, None, message.to_owned());
        }
    }
}

fn with_password(file: LdapsFile, bind_password: Sealed) -> LdapsSettings {
    let LdapsFile { servers, base, bind_name, authorities, push_sites, .. } = file;
    LdapsSettings { servers, base, authorities, bind_name, bind_password, push_sites }
}
