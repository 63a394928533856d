//! `config export --portable` and `config import --portable`: a configuration for another realm, with the passwords of
//! its access accounts, in a sealed file. Nothing depends on that file or its passphrase: it can be made anew at any time.

use super::put_in_force;
use crate::cli::{Local, OpenArgs, SealArgs};
use crate::client::Client;
use crate::commands::{Failure, answer, backup, data_dir, open_file};
use crate::sealed_file::Contents;
use http::{Method, header};
use serde_json::Value;
use std::path::Path;

const PATH: &str = "/api/v1/config/portable";
/// The most that an import takes.
const LIMIT: usize = 1 << 20;

pub(super) async fn export(local: &Local, file: &Path, seal: &SealArgs) -> Result<(), Failure> {
    let client = Client::of(data_dir(&local.dir)?);
    let saved = backup::save(&client, PATH, file, seal).await?;
    saved.file.keep()?;
    answer(&format!("written to {}", file.display()))
}

pub(super) async fn import(local: &Local, file: &Path, open: &OpenArgs) -> Result<(), Failure> {
    let client = Client::of(data_dir(&local.dir)?);
    let (sealed, key) = open_file::open(file, open)?;
    let clear = sealed.open(&key, Contents::Configuration).and_then(|clear| clear.read_all(LIMIT));
    let clear = clear.map_err(|error| open_file::named(file, &error))?;
    let present: Value = client.get("/api/v1/config").await?;
    let revision = format!("\"{}\"", present.get("revision").and_then(Value::as_u64).unwrap_or_default());
    let headers = [(header::IF_MATCH, revision.as_str())];
    let changed = client.send(Method::PUT, PATH, &headers, clear.to_vec()).await?;
    put_in_force(changed.body())
}
