//! Why a policy serves a user: each policy in its order, what it decides, and which one is the first to allow.

use crate::page_error::Failure;
use crate::people::{self, Person};
use crate::ports::Ports;
use passquorum_domain::directory::LoginName;
use passquorum_domain::ids::PolicyId;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::scope::ScopeDecision;
use serde::Serialize;

/// Who a name is, and what each policy decides.
#[derive(Debug, Serialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub(crate) enum Explained {
    /// No user of any connection has this name.
    Nobody,
    /// More than one has.
    Several,
    /// This one.
    One {
        /// The user's distinguished name.
        dn: String,
        /// The alias of the connection through which the user is served, or else was found first.
        domain: String,
        /// Every policy in its order.
        policies: Vec<Decided>,
    },
}

/// What one policy decides.
#[derive(Debug, Serialize)]
pub(crate) struct Decided {
    pub(crate) id: PolicyId,
    pub(crate) name: String,
    pub(crate) decision: ScopeDecision,
    /// The decision in words.
    pub(crate) why: String,
    /// Whether it is the first that allows.
    pub(crate) serves: bool,
}

fn in_words(decision: &ScopeDecision, serves: bool) -> String {
    match decision {
        ScopeDecision::Allowed(part) if serves => format!("serves: {part}"),
        ScopeDecision::Allowed(part) => {
            format!("would serve too ({part}), but stands after the one that does")
        }
        ScopeDecision::Denied(part) => format!("denied: {part}"),
        ScopeDecision::NotNamed => "not in its scope".to_owned(),
    }
}

/// Explains a name.
pub(crate) async fn explain(ports: &Ports, name: &LoginName) -> Result<Explained, Failure> {
    let config = ports.current_config().await?;
    let ways = match people::find(ports, &config, name).await? {
        Person::One(ways) => ways,
        Person::Nobody => return Ok(Explained::Nobody),
        Person::Several => return Ok(Explained::Several),
    };
    let mut serving = None;
    let policies = people::decisions(&config, &ways).await?.into_iter();
    let decided = policies.map(|(policy, way, decision)| {
        let serves = serving.is_none() && matches!(decision, ScopeDecision::Allowed(_));
        if serves {
            serving = Some(way);
        }
        Decided {
            id: policy.id,
            name: policy.name.clone(),
            why: in_words(&decision, serves),
            decision,
            serves,
        }
    });
    let policies = decided.collect();
    let record = &serving.unwrap_or(&ways.first).record;
    let connection = config.connection(record.user.connection).ok_or(Rejection::NotFound)?;
    Ok(Explained::One { dn: record.dn.to_string(), domain: connection.alias.clone(), policies })
}
