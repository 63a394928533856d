//! `policy explain`: which policy serves a user, and why that one.

use super::{Failure, answer, data_dir, plain};
use crate::cli::ExplainArgs;
use crate::client::Client;
use serde::Deserialize;
use serde_json::{Value, json};

/// The node's answer.
#[derive(Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
enum Explained {
    Nobody,
    Several,
    One { dn: String, domain: String, policies: Vec<Decided> },
}

#[derive(Deserialize)]
struct Decided {
    name: String,
    why: String,
    serves: bool,
}

pub(super) async fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let ExplainArgs { output, user } = args;
    let client = Client::of(data_dir(&output.local.dir)?);
    let body = json!({ "name": user });
    let told: Value = client.post("/api/v1/users/explain", &body).await?;
    if output.json {
        return answer(&told.to_string());
    }
    match serde_json::from_value(told)
        .map_err(|error| Failure::not_now(format!("the node's answer: {error}")))?
    {
        Explained::Nobody => Err(Failure::not_now("no user of a domain has this name")),
        Explained::Several => Err(Failure::not_now(
            "more than one user has this name; use DOMAIN\\name or the user principal name",
        )),
        Explained::One { dn, domain, policies } => {
            answer(&format!("{} in {}", plain(&dn), plain(&domain)))?;
            for (place, policy) in (1..).zip(&policies) {
                answer(&format!("{place}. {}: {}", plain(&policy.name), plain(&policy.why)))?;
            }
            if !policies.iter().any(|policy| policy.serves) {
                answer("no policy serves this user")?;
            }
            Ok(())
        }
    }
}
