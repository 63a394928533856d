//! What a configuration has to be: every rule on its parts, each told with its place. The words are a replicated form.

use super::{
    BY_DNS, CLIENT_CONTROLLER, DirectoryEndpoint, DomainConnection, LdapsSettings, ManagementPolicy,
    MirrorSettings, Problem, is_of_own_domain,
};
use crate::directory::DistinguishedName;
use crate::feature_level::FeatureLevel;
use crate::helpdesk::{CallerCheck, CallerQuestions, HelpdeskPolicy, Verification};
use crate::ids::ConnectionId;
use crate::lockout::LockoutSettings;
use crate::policy::PasswordRule;
use crate::qa::{QaPolicy, QuestionKind};
use crate::scope::UserScope;
use crate::time::Span;
use crate::workflow::{AskedQuestions, QuestionAuthentication, WorkflowKind};
use std::collections::BTreeSet;

/// Each site is up to a dozen controllers that every change is sent to.
const MOST_PUSH_SITES: usize = 16;

/// Collects the problems.
pub(super) struct Checker {
    /// Whose rules hold.
    pub(super) level: FeatureLevel,
    pub(super) known: BTreeSet<ConnectionId>,
    /// Whether the realm has mail servers.
    pub(super) sends_mail: bool,
    pub(super) problems: Vec<Problem>,
}

impl Checker {
    pub(super) fn add(&mut self, field: String, message: &str) {
        self.problems.push(Problem { field, message: message.to_owned() });
    }

    pub(super) fn text(&mut self, field: &str, text: &str, lengths: std::ops::RangeInclusive<usize>) {
        if !lengths.contains(&text.trim().chars().count()) || text.chars().any(char::is_control) {
            let message = format!(
                "use {} to {} characters, none of them control characters",
                lengths.start(),
                lengths.end()
            );
            self.add(field.to_owned(), &message);
        }
    }

    pub(super) fn span(&mut self, field: &str, span: Span, min: Span, max: Span) {
        if !(min..=max).contains(&span) {
            let message = format!("use {} to {} seconds", min.0 / 1000, max.0 / 1000);
            self.add(field.to_owned(), &message);
        }
    }

    pub(super) fn at_most_100(&mut self, field: &str, count: usize) {
        if count > 100 {
            self.add(field.to_owned(), "use at most 100 entries");
        }
    }

    pub(super) fn lockout(&mut self, field: &str, settings: &LockoutSettings) {
        if !(1..=1000).contains(&settings.threshold) {
            self.add(format!("{field}.threshold"), "use 1 to 1000 attempts");
        }
        self.span(&format!("{field}.duration"), settings.duration, Span::seconds(1), Span::hours(24 * 30));
        self.span(
            &format!("{field}.reset_after"),
            settings.reset_after,
            Span::seconds(1),
            Span::hours(24 * 30),
        );
    }

    pub(super) fn connection_id(&mut self, field: String, id: ConnectionId) {
        if !self.known.contains(&id) {
            self.add(field, "there is no domain connection with this id; add it first");
        }
    }

    pub(super) fn mirror(&mut self, at: &str, mirror: &MirrorSettings) {
        self.connection_id(format!("{at}.connection"), mirror.connection);
        if !mirror.container.as_str().to_lowercase().starts_with("cn=") {
            self.add(
                format!("{at}.container"),
                "use a name such as CN=_QPMStorageContainer,CN=System,DC=...",
            );
        }
    }

    pub(super) fn connection(&mut self, at: &str, connection: &DomainConnection) {
        self.text(&format!("{at}.alias"), &connection.alias, 1..=100);
        self.attribute(&format!("{at}.profile_attribute"), &connection.profile_attribute);
        if let Some(former) = &connection.former_profile_attribute {
            let at = format!("{at}.former_profile_attribute");
            self.attribute(&at, former);
            if former.eq_ignore_ascii_case(&connection.profile_attribute) {
                self.add(at, "name the attribute that held profiles before this one, or none");
            }
        }
        let DirectoryEndpoint::Ldaps(ldaps) = &connection.endpoint else { return };
        self.servers(at, ldaps);
        self.push_sites(&format!("{at}.push_sites"), ldaps);
        self.text(&format!("{at}.bind_name"), &ldaps.bind_name, 1..=512);
        if !ldaps.authorities.contains("-----BEGIN CERTIFICATE-----") {
            self.add(format!("{at}.authorities"), "give at least one PEM certificate of an authority");
        }
    }

    fn servers(&mut self, at: &str, ldaps: &LdapsSettings) {
        if ldaps.servers.is_empty() {
            self.add(format!("{at}.servers"), "name at least one domain controller, as ldaps://host");
        } else if self.level >= FeatureLevel::THIRD
            && ldaps.servers.iter().all(|server| server == CLIENT_CONTROLLER)
        {
            self.add(
                format!("{at}.servers"),
                "name others too, such as default: most visitors' computers do not say which controller they use",
            );
        }
        for (index, server) in ldaps.servers.iter().enumerate() {
            let at = format!("{at}.servers[{index}]");
            if self.level >= FeatureLevel::THIRD && is_of_own_domain(server) {
                if ldaps.base.dns_domain().is_none() {
                    self.add(at, "for this the base has to end with the domain, such as DC=example,DC=com");
                }
                continue;
            }
            let is_named = server.starts_with("ldaps://") || server.starts_with(BY_DNS);
            if !is_named || server.len() > 300 {
                self.add(at, "use ldaps://host or ldaps://host:port");
            }
        }
    }

    fn push_sites(&mut self, at: &str, ldaps: &LdapsSettings) {
        let sites = &ldaps.push_sites;
        if !sites.is_empty() && ldaps.base.dns_domain().is_none() {
            let why = "to push, the base has to end with the domain, such as DC=example,DC=com";
            self.add(at.to_owned(), why);
        }
        if sites.len() > MOST_PUSH_SITES {
            self.add(at.to_owned(), "name 16 sites at most: replication reaches the others by itself");
        }
        for (index, site) in sites.iter().enumerate() {
            let mut before = sites.iter().take(index);
            if before.any(|other| other.as_str().eq_ignore_ascii_case(site.as_str())) {
                self.add(format!("{at}[{index}]"), "this site is named before");
            }
        }
    }

    pub(super) fn attribute(&mut self, at: &str, attribute: &str) {
        let is_name = attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && attribute.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
        if !is_name || attribute.len() > 64 {
            self.add(at.to_owned(), "use an LDAP attribute name such as comment");
        }
    }

    pub(super) fn policy(&mut self, at: &str, policy: &ManagementPolicy) {
        self.text(&format!("{at}.name"), &policy.name, 1..=100);
        for (index, scope) in policy.scope.iter().enumerate() {
            self.scope(&format!("{at}.scope[{index}]"), scope);
        }
        self.lockout(&format!("{at}.lockout"), &policy.lockout);
        self.qa(&format!("{at}.qa"), &policy.qa);
        self.rules(&format!("{at}.password_rules"), &policy.password_rules);
        self.helpdesk(&format!("{at}.helpdesk"), &policy.helpdesk, &policy.qa);
        let (mut kinds, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (index, workflow) in policy.workflows.iter().enumerate() {
            let at = format!("{at}.workflows[{index}]");
            self.text(&format!("{at}.name"), &workflow.name, 1..=100);
            self.text(&format!("{at}.description"), &workflow.description, 0..=500);
            for problem in workflow.problems(self.level) {
                self.add(format!("{at}.activities"), &problem.to_string());
            }
            for (index, activity) in workflow.activities.iter().enumerate() {
                let at = format!("{at}.activities[{index}]");
                if let Some(settings) = activity.asked_questions() {
                    self.asked_questions(&at, settings, &policy.qa);
                }
                if workflow.enabled && activity.needs_mail() && !self.sends_mail {
                    self.add(at, "a code goes by mail, but no mail server is configured; do that first");
                }
            }
            if workflow.kind != WorkflowKind::Custom && !kinds.insert(workflow.kind) {
                self.add(format!("{at}.kind"), "the policy has this workflow already");
            }
            if !ids.insert(workflow.id) {
                self.add(format!("{at}.id"), "another workflow has this id; a new one needs a new UUID");
            }
        }
    }

    fn scope(&mut self, at: &str, scope: &UserScope) {
        self.connection_id(format!("{at}.connection"), scope.connection);
        self.names(&format!("{at}.allowed_groups"), &scope.allowed_groups);
        self.names(&format!("{at}.allowed_ous"), &scope.allowed_ous);
        self.names(&format!("{at}.denied_groups"), &scope.denied_groups);
        self.names(&format!("{at}.denied_ous"), &scope.denied_ous);
    }

    /// A denial that is about nobody would let in those whom it was to keep out.
    fn names(&mut self, at: &str, names: &[DistinguishedName]) {
        for (index, name) in names.iter().enumerate() {
            if self.level >= FeatureLevel::THIRD && name.has_open_quote() {
                let why = "a quote is opened and not closed, so that the name stands for nobody; close it, or write \\\" for one that belongs to the name";
                self.add(format!("{at}[{index}]"), why);
            }
        }
    }

    fn helpdesk(&mut self, at: &str, helpdesk: &HelpdeskPolicy, qa: &QaPolicy) {
        self.at_most_100(&format!("{at}.groups"), helpdesk.groups.len());
        for (index, group) in helpdesk.groups.iter().enumerate() {
            self.connection_id(format!("{at}.groups[{index}].connection"), group.connection);
        }
        let Some(Verification { questions, valid_for, from, how }) = helpdesk.verification else { return };
        let there = qa.questions.iter().filter(|question| from.include(question.kind)).count();
        if questions == 0 || questions as usize > there {
            let which = match from {
                CallerQuestions::Mandatory => "the policy's mandatory questions",
                CallerQuestions::Helpdesk => "the policy's helpdesk questions",
                CallerQuestions::Both => "the policy's mandatory and helpdesk questions",
            };
            self.add(
                format!("{at}.verification.questions"),
                &format!("use 1 to {there}, the number of {which}"),
            );
        }
        if how.needs_kept_answers() && from.include(QuestionKind::Mandatory) && !qa.keep_mandatory_answers {
            let message = "the answers to mandatory questions are not kept for this; keep them, or ask helpdesk questions only";
            self.add(format!("{at}.verification.how"), message);
        }
        if let CallerCheck::Characters(count) = how
            && !(1..=CallerCheck::MOST_CHARACTERS).contains(&count)
        {
            let message = format!("use 1 to {} characters", CallerCheck::MOST_CHARACTERS);
            self.add(format!("{at}.verification.how"), &message);
        }
        let (least, most) = (Verification::SHORTEST, Verification::LONGEST);
        self.span(&format!("{at}.verification.valid_for"), valid_for, least, most);
    }

    /// What is asked must be there to be asked.
    fn asked_questions(&mut self, at: &str, settings: &QuestionAuthentication, qa: &QaPolicy) {
        if let AskedQuestions::These(list) = &settings.ask {
            if list.iter().any(|id| qa.listed(*id).is_none()) {
                self.add(format!("{at}.ask"), "a question to be asked is not on the policy's list");
            }
            let is_for_helpdesk =
                |id| qa.listed(id).is_some_and(|listed| listed.kind == QuestionKind::Helpdesk);
            if list.iter().any(|id| is_for_helpdesk(*id)) {
                let message =
                    "a question to be asked is for the helpdesk, whose operators may see the answer";
                self.add(format!("{at}.ask"), message);
            }
            if list.iter().collect::<BTreeSet<_>>().len() < list.len() {
                self.add(format!("{at}.ask"), "a question is to be asked twice");
            }
        }
        let registered = settings.from.iter().map(|sort| qa.registered(*sort));
        if !settings.from.is_empty() && registered.sum::<usize>() == 0 {
            self.add(format!("{at}.from"), "nobody registers questions of these sorts under this policy");
        }
    }

    pub(super) fn qa(&mut self, at: &str, qa: &QaPolicy) {
        if qa.questions.len() > 500 {
            self.add(format!("{at}.questions"), "use at most 500 questions");
        }
        let mut ids = BTreeSet::new();
        for (index, question) in qa.questions.iter().enumerate() {
            self.text(&format!("{at}.questions[{index}].text"), &question.text, 1..=300);
            if !ids.insert(question.id) {
                self.add(format!("{at}.questions[{index}].id"), "another question has this id");
            }
        }
        if qa.optional_to_register as usize > qa.of_kind(QuestionKind::Optional).count() {
            self.add(format!("{at}.optional_to_register"), "there are not so many optional questions");
        }
        if qa.user_defined_to_register > 20 {
            self.add(format!("{at}.user_defined_to_register"), "use at most 20");
        }
        if qa.answers_to_register() == 0 {
            self.add(format!("{at}.questions"), "a profile needs at least one question");
        }
        if !(1..=100).contains(&qa.min_answer_length) {
            self.add(format!("{at}.min_answer_length"), "use 1 to 100 characters");
        }
        if !(1..=200).contains(&qa.min_question_length) {
            self.add(format!("{at}.min_question_length"), "use 1 to 200 characters");
        }
    }

    pub(super) fn rules(&mut self, at: &str, rules: &[PasswordRule]) {
        for (index, rule) in rules.iter().enumerate() {
            match rule {
                PasswordRule::Length(rule) => {
                    if rule.min < 1 || rule.max > 256 || rule.min > rule.max {
                        self.add(
                            format!("{at}[{index}]"),
                            "use a least length from 1 and a greatest up to 256",
                        );
                    }
                }
                PasswordRule::Complexity(rule) => {
                    if !(1..=4).contains(&rule.min_kinds) {
                        self.add(format!("{at}[{index}].min_kinds"), "use 1 to 4 kinds of character");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scopes_name_with_an_open_quote_is_refused_from_the_third_level_on() {
        let connection = ConnectionId(uuid::Uuid::nil());
        let dns = |texts: &[&str]| {
            texts.iter().map(|text| DistinguishedName::parse(text).unwrap()).collect::<Vec<_>>()
        };
        let scope = UserScope {
            connection,
            allowed_groups: dns(&["CN=\"Staff,DC=x"]),
            allowed_ous: dns(&["OU=\"People, all\",DC=x", "OU=People\",DC=x"]),
            denied_groups: dns(&["CN=\"Protected,DC=x"]),
            denied_ous: dns(&["OU=5\\\" tools,DC=x", "OU=\"Admins,DC=x"]),
        };
        let fields = |level| {
            let mut check =
                Checker { level, known: [connection].into(), sends_mail: false, problems: Vec::new() };
            check.scope("scope[0]", &scope);
            check.problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(FeatureLevel::SECOND), Vec::<String>::new());
        let expected = ["allowed_groups[0]", "allowed_ous[1]", "denied_groups[0]", "denied_ous[1]"];
        assert_eq!(fields(FeatureLevel::THIRD), expected.map(|field| format!("scope[0].{field}")));
    }
}
