//! Valid configurations of every shape, for the properties of trees.

use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::config::*;
use passquorum_domain::directory::{AdSite, DistinguishedName};
use passquorum_domain::helpdesk::{
    CallerCheck, CallerQuestions, HelpdeskPolicy, HelpdeskTask, MustChange, Verification,
};
use passquorum_domain::ids::{ConnectionId, PolicyId, QuestionId, Revision, WorkflowId};
use passquorum_domain::lockout::LockoutSettings;
use passquorum_domain::mail::{
    MailLogin, MailSecurity, MailServer, MailSettings, MailTemplate, MailText, Notices,
};
use passquorum_domain::policy::{ComplexityRule, LengthRule, PasswordRule};
use passquorum_domain::qa::{QaPolicy, Question, QuestionKind};
use passquorum_domain::scope::{RoleScope, UserScope};
use passquorum_domain::time::Span;
use passquorum_domain::workflow::*;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use uuid::Uuid;

/// Texts with what is special in TOML, in file names and on terminals.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z ._\"'\\\\#=\\[\\]{}-]{0,12}[a-z0-9]",
        1 => "\\PC{1,20}",
        1 => Just("../tree".to_owned()),
        1 => Just("Ünïcode 日本".to_owned()),
    ]
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![(1_000_u64..2_592_000_000), (1_u64..700).prop_map(|hours| hours * 3_600_000)].prop_map(Span)
}

fn lockout() -> impl Strategy<Value = LockoutSettings> {
    (1_u32..=1000, span(), span()).prop_map(|(threshold, duration, reset_after)| LockoutSettings {
        threshold,
        duration,
        reset_after,
    })
}

fn dn() -> impl Strategy<Value = DistinguishedName> {
    text().prop_map(|name| DistinguishedName::parse(&format!("CN={name},DC=x")).unwrap())
}

fn dns() -> impl Strategy<Value = Vec<DistinguishedName>> {
    vec(dn(), 0..3)
}

fn endpoint() -> impl Strategy<Value = DirectoryEndpoint> {
    let authorities = prop_oneof![
        Just("-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n".to_owned()),
        Just("-----BEGIN CERTIFICATE-----\r\nMII'''=\r\n-----END CERTIFICATE-----".to_owned()),
        Just("-----BEGIN CERTIFICATE-----\n'''\n\"\"\"\n\\ \t\n".to_owned()),
        "\\PC{0,9}".prop_map(|rest| format!("-----BEGIN CERTIFICATE-----{rest}\n\n{rest}")),
    ];
    let servers = vec(text().prop_map(|host| format!("ldaps://{host}")), 1..3);
    let sites = btree_set("[a-z][a-z0-9_-]{0,9}", 0..3)
        .prop_map(|names| names.iter().map(|name| AdSite::parse(name).unwrap()).collect::<Vec<_>>());
    let ldaps = (servers, dn(), authorities, text(), vec(any::<u8>(), 0..9), sites).prop_map(
        |(servers, base, authorities, bind_name, sealed, push_sites)| {
            let bind_password = Sealed(Blob::from(sealed));
            DirectoryEndpoint::Ldaps(LdapsSettings {
                servers,
                base,
                authorities,
                bind_name,
                bind_password,
                push_sites,
            })
        },
    );
    prop_oneof![Just(DirectoryEndpoint::Embedded), ldaps]
}

fn connection() -> impl Strategy<Value = DomainConnection> {
    let former = proptest::option::of("[A-Z][a-zA-Z0-9-]{10,12}");
    (uuid(), text(), endpoint(), "[a-z][a-zA-Z0-9-]{0,9}", former).prop_map(
        |(id, alias, endpoint, profile_attribute, former_profile_attribute)| DomainConnection {
            id: ConnectionId(id),
            alias,
            endpoint,
            profile_attribute,
            former_profile_attribute,
        },
    )
}

fn qa() -> impl Strategy<Value = QaPolicy> {
    let kind = prop_oneof![
        Just(QuestionKind::Mandatory),
        Just(QuestionKind::Optional),
        Just(QuestionKind::Helpdesk)
    ];
    let question =
        (uuid(), kind, text()).prop_map(|(id, kind, text)| Question { id: QuestionId(id), kind, text });
    let counts = (0_u32..2, 0_u32..3, 1_u32..200, 1_u32..100);
    (vec(question, 0..4), counts, any::<[bool; 3]>()).prop_map(
        |(questions, (optional, own, question, answer), [same, inside, keep])| {
            let there = questions.iter().filter(|question| question.kind == QuestionKind::Optional).count();
            let optional = optional.min(u32::try_from(there).unwrap());
            // A profile needs one question at least.
            let own = if optional == 0 && there == questions.len() { own.max(1) } else { own };
            QaPolicy {
                questions,
                optional_to_register: optional,
                user_defined_to_register: own,
                min_question_length: question,
                min_answer_length: answer,
                reject_same_answer: same,
                reject_answer_in_question: inside,
                keep_mandatory_answers: keep,
            }
        },
    )
}

fn rule() -> impl Strategy<Value = PasswordRule> {
    prop_oneof![
        (1_u32..100, 100_u32..=256).prop_map(|(min, max)| PasswordRule::Length(LengthRule { min, max })),
        (1_u8..=4, any::<bool>()).prop_map(|(min_kinds, forbid_names)| {
            PasswordRule::Complexity(ComplexityRule { min_kinds, forbid_names })
        }),
    ]
}

fn workflow() -> impl Strategy<Value = Workflow> {
    let ask = prop_oneof![
        Just(AskedQuestions::All),
        (1_u32..9).prop_map(AskedQuestions::Random),
        vec(uuid().prop_map(QuestionId), 1..4).prop_map(AskedQuestions::These),
    ];
    let sort = prop::sample::select(vec![QuestionSort::Mandatory, QuestionSort::Optional, QuestionSort::Own]);
    let too_few = prop_oneof![Just(TooFew::AskAll), Just(TooFew::Refuse)];
    let asks =
        (ask, btree_set(sort, 0..3), too_few, any::<bool>()).prop_map(|(ask, from, too_few, name_wrong)| {
            QuestionAuthentication { ask, from, too_few, name_wrong }
        });
    let reset = (any::<bool>(), any::<bool>())
        .prop_map(|(unlock, must_change)| Activity::ResetPassword(ResetPassword { unlock, must_change }));
    let action = prop_oneof![
        reset,
        any::<bool>().prop_map(|only_when_out_of_date| {
            Activity::EditProfile(EditProfile { only_when_out_of_date })
        }),
        Just(Activity::SubscribeToNotifications(SubscribeToNotifications::usual())),
        Just(Activity::ChangePassword(ChangePassword {})),
        Just(Activity::UnlockAccount(UnlockAccount {})),
        Just(Activity::EnableAccount(EnableAccount {})),
    ];
    // While a code goes by mail the realm needs a server for that, which this one may not have.
    let by_mail = (6_u8..=10, 1_u64..=30).prop_map(|(digits, minutes)| {
        AuthenticationMethod::MailCode(MailCodeAuthentication { digits, life: Span::minutes(minutes) })
    });
    let captcha = (8_u8..=22, 0_u64..=60_000)
        .prop_map(|(difficulty, pause)| Activity::Captcha(Captcha { difficulty, pause: Span(pause) }));
    let shown = (any::<bool>(), any::<bool>());
    (uuid(), text(), "\\PC{0,30}", shown, asks, text(), action, (by_mail, captcha)).prop_map(
        |(id, name, description, (enabled, hidden), asks, agreement, action, (by_mail, captcha))| Workflow {
            id: WorkflowId(id),
            kind: WorkflowKind::Custom,
            name,
            description,
            enabled,
            hidden,
            activities: vec![
                captcha,
                Activity::AuthenticationMethods(AuthenticationMethods {
                    offered: std::iter::once(AuthenticationMethod::Questions(asks.clone()))
                        .chain([AuthenticationMethod::Password(PasswordAuthentication {})])
                        .chain(Some(by_mail).filter(|_| !enabled))
                        .collect(),
                }),
                Activity::AuthenticateWithPassword(PasswordAuthentication {}),
                Activity::AcceptAgreement(AcceptAgreement { text: agreement }),
                Activity::AuthenticateWithPasscode(PasscodeAuthentication {}),
                Activity::AuthenticateWithQuestions(asks),
                Activity::RestartOnError(RestartOnError {}),
                action,
            ],
        },
    )
}

/// The policy with workflows that ask only what its people have answered.
fn asking_what_is_there(mut policy: ManagementPolicy) -> ManagementPolicy {
    for activity in policy.workflows.iter_mut().flat_map(|workflow| &mut workflow.activities) {
        let settings = match activity {
            Activity::AuthenticateWithQuestions(settings) => settings,
            Activity::AuthenticationMethods(methods) => match methods.offered.first_mut() {
                Some(AuthenticationMethod::Questions(settings)) => settings,
                _ => continue,
            },
            _ => continue,
        };
        if let AskedQuestions::These(ids) = &mut settings.ask {
            let asked = policy.qa.questions.iter().filter(|question| question.kind != QuestionKind::Helpdesk);
            *ids = asked.take(ids.len()).map(|question| question.id).collect();
            if ids.is_empty() {
                settings.ask = AskedQuestions::All;
            }
        }
        settings.from.retain(|sort| policy.qa.registered(*sort) > 0);
    }
    let there = |from: CallerQuestions| {
        policy.qa.questions.iter().filter(move |question| from.include(question.kind))
    };
    policy.helpdesk.verification = policy.helpdesk.verification.and_then(|asked| {
        let questions = u32::try_from(there(asked.from).count()).ok().filter(|count| *count > 0)?;
        let may_keep = policy.qa.keep_mandatory_answers || !asked.from.include(QuestionKind::Mandatory);
        let how = if may_keep { asked.how } else { CallerCheck::OperatorTypes };
        Some(Verification { questions, how, ..asked })
    });
    policy
}

fn helpdesk() -> impl Strategy<Value = HelpdeskPolicy> {
    let must_change = prop_oneof![Just(MustChange::Always), Just(MustChange::OperatorChooses)];
    let verification = proptest::option::of((60_000_u64..=3_600_000).prop_map(Span));
    let from = prop::sample::select(vec![
        CallerQuestions::Mandatory,
        CallerQuestions::Helpdesk,
        CallerQuestions::Both,
    ]);
    let how = prop_oneof![
        Just(CallerCheck::OperatorTypes),
        Just(CallerCheck::OperatorSees),
        (1_u32..=8).prop_map(CallerCheck::Characters),
    ];
    let verification = (verification, from, how).prop_map(|(valid_for, from, how)| {
        valid_for.map(|valid_for| Verification { questions: 1, valid_for, from, how })
    });
    let tasks = btree_set(prop::sample::select(HelpdeskTask::ALL.to_vec()), 0..8);
    (tasks, must_change, verification).prop_map(|(tasks, must_change, verification)| HelpdeskPolicy {
        groups: Vec::new(),
        tasks,
        must_change,
        verification,
    })
}

/// A policy that names connections by their place.
type Placed = (ManagementPolicy, Vec<(usize, UserScope)>, Vec<(usize, DistinguishedName)>);

fn policy() -> impl Strategy<Value = Placed> {
    let scope =
        (0_usize..3, dns(), dns(), dns(), dns()).prop_map(|(place, groups, ous, no_groups, no_ous)| {
            let scope = UserScope {
                connection: ConnectionId(Uuid::nil()),
                allowed_groups: groups,
                allowed_ous: ous,
                denied_groups: no_groups,
                denied_ous: no_ous,
            };
            (place, scope)
        });
    let notices =
        (any::<bool>(), any::<bool>()).prop_map(|(user, administrators)| Notices { user, administrators });
    let named = (uuid(), text(), vec(scope, 0..3), vec((0_usize..3, dn()), 0..3));
    (named, qa(), lockout(), vec(rule(), 0..3), vec(workflow(), 0..3), notices, helpdesk()).prop_map(
        |((id, name, scopes, groups), qa, lockout, password_rules, workflows, notices, helpdesk)| {
            let policy = asking_what_is_there(ManagementPolicy {
                id: PolicyId(id),
                name,
                scope: Vec::new(),
                qa,
                lockout,
                password_rules,
                workflows,
                notices,
                helpdesk,
            });
            (policy, scopes, groups)
        },
    )
}

fn mail() -> impl Strategy<Value = MailSettings> {
    let security = prop_oneof![Just(MailSecurity::Starttls), Just(MailSecurity::Tls)];
    let login = proptest::option::of(("[a-z]{1,8}", any::<[u8; 4]>())).prop_map(|login| {
        login.map(|(user, password)| MailLogin { user, password: Sealed(Blob::from(&password[..])) })
    });
    let authorities = prop_oneof![Just(String::new()), Just("-----BEGIN CERTIFICATE-----\nx\n".to_owned())];
    let server = ("[a-z]{1,8}\\.example", 1_u16..=65535, security, authorities, login).prop_map(
        |(host, port, security, authorities, login)| MailServer { host, port, security, authorities, login },
    );
    let language = || "[a-z]{2}(-[a-z]{2})?".prop_map(|tag| tag.parse().unwrap());
    let address = || "[a-z]{1,8}@[a-z]{1,8}\\.example".prop_map(|address| address.parse().unwrap());
    let template = (0..MailTemplate::ALL.len()).prop_map(|index| MailTemplate::ALL[index]);
    let mail_text = (template, language(), text(), "[a-zäöü .\n]{1,40}x")
        .prop_map(|(template, language, subject, body)| MailText { template, language, subject, body });
    (vec(server, 1..3), address(), text(), vec(address(), 0..3), language(), vec(mail_text, 0..3)).prop_map(
        |(mut servers, sender, sender_name, administrators, language, texts)| {
            // One account at one host has one password.
            let mut seen = std::collections::BTreeSet::new();
            servers.retain(|server| seen.insert(server.host.clone()));
            MailSettings { servers, sender, sender_name, administrators, language, texts }
        },
    )
}

/// Any valid configuration.
pub(super) fn config() -> impl Strategy<Value = RealmConfig> {
    let roles = || vec((0_usize..3, dn()), 0..3);
    let mirror = proptest::option::of((0_usize..3, dn()));
    let monitors =
        vec(any::<std::net::IpAddr>().prop_map(|address| address.to_string().parse().unwrap()), 0..3);
    let logging = vec(prop_oneof![Just("debug"), Just("3:raft=trace"), Just("sites=warn")], 0..3)
        .prop_map(|rules| rules.into_iter().map(|rule| rule.parse().unwrap()).collect());
    let life = 3_600_000_u64..34_387_200_000;
    let mail = proptest::option::of(mail());
    let general = (text(), lockout(), 60_000_u64..28_800_000, mirror, monitors, logging, life, mail);
    (1_u64..1000, vec(connection(), 1..4), vec(policy(), 0..3), roles(), roles(), general)
        .prop_map(|(revision, connections, policies, administrators, helpdesk, general)| {
            let ids: Vec<ConnectionId> = connections.iter().map(|connection| connection.id).collect();
            let id = |place: usize| ids[place % ids.len()];
            let roles = |roles: Vec<(usize, DistinguishedName)>| {
                roles.into_iter().map(|(place, group)| RoleScope { connection: id(place), group }).collect()
            };
            let scoped = |(mut policy, scopes, groups): Placed| {
                let scope = |(place, scope)| UserScope { connection: id(place), ..scope };
                policy.scope = scopes.into_iter().map(scope).collect();
                policy.helpdesk.groups = roles(groups);
                policy
            };
            let (organisation, source_limit, session, mirror, monitors, logging, life, mail) = general;
            let mirror = mirror.map(|(place, container)| MirrorSettings { connection: id(place), container });
            RealmConfig {
                revision: Revision(revision),
                policies: policies.into_iter().map(scoped).collect(),
                administrators: roles(administrators),
                helpdesk: roles(helpdesk),
                general: GeneralSettings {
                    organisation,
                    source_limit,
                    session: Span(session),
                    mirror,
                    monitors,
                    logging,
                    certificate_life: Span(life),
                    mail: mail.map(Box::new),
                },
                connections,
            }
        })
        .prop_filter("not valid", |config| config.problems().is_empty())
}
