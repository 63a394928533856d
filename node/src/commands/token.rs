//! `token create`: the one time that a token's text is seen.

use super::{Failure, answer, data_dir};
use crate::cli::{TokenArgs, TokenCommand};
use crate::client::Client;
use passquorum_domain::time::Span;
use serde_json::{Value, json};

const JOIN_LIFE: Span = Span::hours(24);

pub(super) async fn run(TokenCommand::Create(args): TokenCommand) -> Result<(), Failure> {
    let (path, body) = request(&args);
    let client = Client::of(data_dir(&args.output.local.dir)?);
    let created: Value = client.post(path, &body).await?;
    if args.output.json {
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
