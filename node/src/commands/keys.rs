//! `keys`: the realm's data key, by generation.

use super::{Failure, answer, data_dir};
use crate::cli::{KeysCommand, Output, RetireArgs};
use crate::client::Client;
use http::Method;
use passquorum_domain::realm_keys::{RealmKeys, Uses};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
struct Keys {
    #[serde(flatten)]
    keys: RealmKeys,
    uses: BTreeMap<u32, Uses>,
}

pub(super) async fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Status(output) => status(&output).await,
        KeysCommand::Rotate(output) => rotate(&output).await,
        KeysCommand::Retire(args) => retire(&args).await,
    }
}

fn client(output: &Output) -> Result<Client, Failure> {
    Ok(Client::of(data_dir(&output.local.dir)?))
}

async fn status(output: &Output) -> Result<(), Failure> {
    let keys: Keys = client(output)?.get("/api/v1/keys").await?;
    if output.json {
        return answer(&serde_json::to_string(&keys)?);
    }
    answer(&render(&keys))
}

fn render(Keys { keys, uses }: &Keys) -> String {
    let line = |generation: u32, what: &str| {
        let Uses { to_reseal, audit } = uses.get(&generation).copied().unwrap_or_default();
        format!("\n{generation:>4}  {what:<24} {to_reseal:>8} {audit:>8}")
    };
    let mut out = format!("{:>4}  {:<24} {:>8} {:>8}", "key", "", "values", "audit");
    for older in &keys.older {
        out.push_str(&line(older.generation, "opens what is left"));
    }
    out.push_str(&line(keys.sealing, "in use"));
    if let Some(next) = &keys.next {
        let held = format!("on its way, at {} nodes", next.held_by.len());
        out.push_str(&line(next.generation, &held));
    }
    if keys.due {
        out.push_str("\na node that held the newest key was removed: the leader makes a new one");
    }
    out
}

async fn rotate(output: &Output) -> Result<(), Failure> {
    let begun: Value = client(output)?.post("/api/v1/keys/rotate", &json!({})).await?;
    if output.json {
        return answer(&begun.to_string());
    }
    let generation = begun.get("generation").unwrap_or(&Value::Null);
    answer(&format!("data key {generation} is on its way to the nodes; see passquorum keys status"))
}

async fn retire(args: &RetireArgs) -> Result<(), Failure> {
    let path = format!("/api/v1/keys/{}", args.generation);
    client(&args.output)?.send(Method::DELETE, &path, &[], Vec::new()).await?;
    if args.output.json {
        return answer(&json!({ "generation": args.generation, "done": "retired" }).to_string());
    }
    answer(&format!("data key {} was retired", args.generation))
}
