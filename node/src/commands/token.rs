//! `token create` and `replace`: the one time that a token's text is seen.

use super::{Failure, answer, data_dir, tell};
use crate::cli::{Output, ReplaceArgs, TokenArgs, TokenCommand};
use crate::client::Client;
use passquorum_domain::time::Span;
use serde_json::{Value, json};

const JOIN_LIFE: Span = Span::hours(24);

pub(super) async fn run(TokenCommand::Create(args): TokenCommand) -> Result<(), Failure> {
    let (path, body) = request(&args);
    show(&args.output, path, &body).await
}

/// Makes the token of a node that takes another's place.
pub(super) async fn replace(args: &ReplaceArgs) -> Result<(), Failure> {
    let ReplaceArgs { of, life } = args;
    let body = json!({ "replaces": of.node, "life_seconds": life.0 / 1000 });
    show(&of.output, "/api/v1/join-tokens", &body).await?;
    if !of.output.json {
        tell(&format!(
            "Give this token to `passquorum join` on the new host. Node {} is removed once the new node does its work.",
            of.node
        ));
    }
    Ok(())
}

/// Has a token made and prints it.
async fn show(output: &Output, path: &str, body: &Value) -> Result<(), Failure> {
    let client = Client::of(data_dir(&output.local.dir)?);
    let created: Value = client.post(path, body).await?;
    if output.json {
        return answer(&created.to_string());
    }
    answer(created.get("token").and_then(Value::as_str).unwrap_or_default())
}

fn request(args: &TokenArgs) -> (&'static str, Value) {
    let seconds = |life: Span| life.0 / 1000;
    match args.role {
        Some(role) => {
            let life = args.life.unwrap_or(JOIN_LIFE);
            ("/api/v1/join-tokens", json!({ "role": role, "life_seconds": seconds(life) }))
        }
        None => {
            let life = args.life.map(seconds);
            ("/api/v1/api-tokens", json!({ "name": args.name, "scopes": args.scope, "life_seconds": life }))
        }
    }
}
