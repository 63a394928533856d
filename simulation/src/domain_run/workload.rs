//! What the simulated people and nodes ask for: drawn from the seed, repetitions and stale requests included.

use passquorum_domain::audit::Actor;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, AdmitNode, Command, CreateRealm, NewNode};
use passquorum_domain::config::{ConfigChange, ManagementPolicy, RealmConfig};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{
    AttemptId, JoinTokenId, KeyedHash, NodeId, PolicyId, QuestionId, RealmId, RequestId, Revision, TicketId,
    WorkflowId,
};
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::lockout::{AttemptTarget, LockoutSettings};
use passquorum_domain::qa::{QaPolicy, Question, QuestionKind};
use passquorum_domain::ticket::{TicketKind, TicketResult};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::token::JoinToken;
use passquorum_domain::workflow::Workflow;
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use uuid::Uuid;

/// The threshold of the simulated policy.
pub const THRESHOLD: u32 = 5;
/// How long its locks last.
pub const LOCK: Span = Span::minutes(15);

/// The configuration of a simulated realm, with one policy for everybody.
pub fn config(rng: &mut SmallRng) -> RealmConfig {
    let policy = PolicyId(uuid(rng));
    config_with(rng, policy)
}

fn config_with(rng: &mut SmallRng, policy: PolicyId) -> RealmConfig {
    let question = Question {
        id: QuestionId(uuid(rng)),
        kind: QuestionKind::Mandatory,
        text: "The street of your first school?".to_owned(),
    };
    let everyone = ManagementPolicy {
        id: policy,
        name: "Everyone".to_owned(),
        scope: Vec::new(),
        qa: QaPolicy {
            questions: vec![question],
            optional_to_register: 0,
            user_defined_to_register: 0,
            min_question_length: 10,
            min_answer_length: 3,
            reject_same_answer: true,
            reject_answer_in_question: true,
            keep_mandatory_answers: false,
        },
        lockout: LockoutSettings { threshold: THRESHOLD, duration: LOCK, reset_after: LOCK },
        password_rules: Vec::new(),
        notices: passquorum_domain::mail::Notices::default(),
        helpdesk: passquorum_domain::helpdesk::HelpdeskPolicy::default(),
        workflows: Workflow::defaults(FeatureLevel::FIRST, || WorkflowId(uuid(rng))),
    };
    RealmConfig { policies: vec![everyone], ..RealmConfig::empty() }
}

/// Draws commands.
pub struct Workload {
    rng: SmallRng,
    now: Timestamp,
    sent: Vec<Command>,
    attempts: Vec<(AttemptId, AttemptTarget)>,
    tickets: Vec<TicketId>,
    tokens: Vec<(JoinTokenId, KeyedHash)>,
    policy: PolicyId,
}

impl Workload {
    /// A workload that draws from this generator.
    #[must_use]
    pub fn new(mut rng: SmallRng) -> Self {
        let policy = PolicyId(uuid(&mut rng));
        let now = Timestamp(1_700_000_000_000);
        Self {
            rng,
            now,
            sent: Vec::new(),
            attempts: Vec::new(),
            tickets: Vec::new(),
            tokens: Vec::new(),
            policy,
        }
    }

    /// Uses the policy of a realm that is there already.
    #[must_use]
    pub fn with_policy(self, policy: PolicyId) -> Self {
        Self { policy, ..self }
    }

    /// The command that makes the realm.
    pub fn first(&mut self) -> Command {
        let rng = &mut self.rng;
        let create = CreateRealm {
            realm: RealmId(uuid(rng)),
            authority: "certificate".to_owned(),
            authority_key: Sealed(Blob::from(vec![1])),
            first: node("one"),
            wrap: wrap(),
            config: config_with(rng, self.policy),
        };
        self.command(Action::CreateRealm(Box::new(create)))
    }

    /// The next command: fresh, a repetition of an earlier one, or one with a clock that is behind.
    pub fn next(&mut self, revision: Revision) -> Command {
        self.now = self.now.plus(Span(self.rng.gen_range(0..20_000)));
        if self.rng.gen_bool(0.1)
            && let Some(earlier) = self.sent.choose(&mut self.rng)
        {
            return earlier.clone();
        }
        let action = self.action(revision);
        self.command(action)
    }

    /// What one clerk asks about one user, or of the configuration: nothing of labels and nodes.
    pub fn about(&mut self, user: u8, revision: Revision) -> Action {
        let kinds = *[0, 0, 0, 4, 5, 5, 6, 7, 7, 9].choose(&mut self.rng).unwrap_or(&9);
        self.action_of(kinds, KeyedHash([user; 32]), revision)
    }

    fn action(&mut self, revision: Revision) -> Action {
        let user = KeyedHash([self.rng.gen_range(0..4); 32]);
        let kind = self.rng.gen_range(0..13);
        self.action_of(kind, user, revision)
    }

    fn action_of(&mut self, kind: u32, user: KeyedHash, revision: Revision) -> Action {
        let target = AttemptTarget::User(user);
        match kind {
            0..=3 => {
                let attempt = AttemptId(uuid(&mut self.rng));
                self.attempts.push((attempt, target));
                Action::CountAttempt { attempt, target, policy: Some(self.policy) }
            }
            4 => match self.attempts.choose(&mut self.rng) {
                Some((attempt, target)) => Action::DecideAttempt {
                    attempt: *attempt,
                    target: *target,
                    right: self.rng.gen_bool(0.2),
                },
                None => Action::Sweep,
            },
            5 => self.open_ticket(user),
            6 => match self.tickets.choose(&mut self.rng) {
                Some(ticket) => Action::CloseTicket { ticket: *ticket, result: TicketResult::Done },
                None => Action::Sweep,
            },
            7 => self.change_config(revision),
            8 => self.admit(),
            9 => Action::Sweep,
            10 => Action::RemoveLabel { key: self.label(), condition: LabelCondition::Always },
            11 => match NodeId(self.rng.gen_range(2..8)) {
                node if node.0 < 5 => Action::RemoveNode(node),
                node => Action::BeginRemoval(node),
            },
            _ => Action::PutLabel {
                key: self.label(),
                value: Blob::from(vec![self.rng.r#gen(); 8]),
                condition: match self.rng.gen_range(0..3) {
                    0 => LabelCondition::Absent,
                    1 => LabelCondition::Revision(self.rng.gen_range(0..20)),
                    _ => LabelCondition::Always,
                },
            },
        }
    }

    fn open_ticket(&mut self, subject: KeyedHash) -> Action {
        let replayed = self.rng.gen_bool(0.3);
        let ticket = match self.tickets.choose(&mut self.rng).filter(|_| replayed) {
            Some(ticket) => *ticket,
            None => {
                let ticket = TicketId(uuid(&mut self.rng));
                self.tickets.push(ticket);
                ticket
            }
        };
        Action::OpenTicket {
            ticket,
            subject,
            kind: TicketKind::Reset,
            node: NodeId(1),
            life: Span::minutes(1),
        }
    }

    fn change_config(&mut self, revision: Revision) -> Action {
        let stale = self.rng.gen_bool(0.3);
        let base = if stale { Revision(revision.0.saturating_sub(1)) } else { revision };
        let mut general = RealmConfig::empty().general;
        general.organisation = if self.rng.gen_bool(0.2) {
            String::new()
        } else {
            format!("Company {}", self.rng.r#gen::<u16>())
        };
        Action::change_config(base, ConfigChange::SetGeneral(general))
    }

    fn admit(&mut self) -> Action {
        let brings_token = self.rng.gen_bool(0.6);
        match self.tokens.choose(&mut self.rng).filter(|_| brings_token) {
            Some((token, secret)) => Action::AdmitNode(Box::new(AdmitNode {
                token: *token,
                secret: *secret,
                node: node("another"),
                wrap: Some(wrap()),
            })),
            None => {
                let (id, secret) = (JoinTokenId(uuid(&mut self.rng)), KeyedHash([self.rng.r#gen(); 32]));
                self.tokens.push((id, secret));
                let expires_at = self.now.plus(Span::hours(1));
                Action::CreateJoinToken(JoinToken {
                    id,
                    secret,
                    role: Role::Voter,
                    expires_at,
                    used_by: None,
                })
            }
        }
    }

    fn label(&mut self) -> LabelKey {
        let name = ["one", "two", "three"].choose(&mut self.rng).copied().unwrap_or("one");
        // The names above are within the rules of a key.
        LabelKey::parse(name).unwrap_or_else(|_| unreachable!("a fixed, valid key"))
    }

    fn command(&mut self, action: Action) -> Command {
        let behind = if self.rng.gen_bool(0.1) { Span::seconds(30) } else { Span(0) };
        let request = RequestId::Internal(uuid(&mut self.rng));
        let command =
            Command { request, at: self.now.minus(behind), actor: Actor::Anonymous, detail: None, action };
        self.sent.push(command.clone());
        command
    }
}

fn node(name: &str) -> NewNode {
    NewNode {
        name: name.to_owned(),
        cluster_address: "127.0.0.1:1".to_owned(),
        site_url: "https://127.0.0.1:2".to_owned(),
        wrap_key: [0; 32],
    }
}

fn wrap() -> KeyWrap {
    KeyWrap { generation: 1, wrapped: Blob::from(vec![2]) }
}

fn uuid(rng: &mut SmallRng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.r#gen()).into_uuid()
}
