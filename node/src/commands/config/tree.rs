//! `config export --tree`, `config plan` and `config apply`: the configuration as a folder of files that people edit.
//!
//! A tree says at which revision it was exported, and is applied only on top of that one, or of one that is named
//! explicitly. Once it is in force its `tree.toml` says so, so that the next edit starts from there.

use super::history;
use super::{Exit, Failure, answer, data_dir, plain};
use crate::cli::{ApplyArgs, Local, TreeArgs};
use crate::client::{Client, ClientError};
use crate::commands::tell;
use crate::config_tree::{Described, Tree, folder};
use passquorum_domain::config::{
    ConfigChange, FieldDifference, ObjectChange, ObjectDifference, RealmConfig, differences,
};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::Revision;
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// The longest value that is printed whole.
const LONGEST: usize = 100;

pub(super) async fn export(local: &Local, into: &Path) -> Result<(), Failure> {
    let config: RealmConfig = Client::of(data_dir(&local.dir)?).get("/api/v1/config").await?;
    let tree = Tree::of(&config)?;
    folder::write(into, &tree)?;
    answer(&format!(
        "revision {} is written to {} in {} files",
        config.revision,
        into.display(),
        tree.0.len()
    ))
}

/// A tree beside what is in force.
struct Compared {
    described: Described,
    present: RealmConfig,
    found: Vec<ObjectDifference>,
}

async fn compare(client: &Client, from: &Path) -> Result<Compared, Failure> {
    let tree = folder::read(from)?;
    let present: RealmConfig = client.get("/api/v1/config").await?;
    let described = tree.parse(&present)?;
    let found = differences(&present, &described.config);
    Ok(Compared { described, present, found })
}

/// Says what would change. Whatever keeps it from being told is a failure, so that 2 always means a change.
pub(super) async fn plan(args: &TreeArgs) -> Result<Exit, Failure> {
    let planned = planned(args).await;
    planned.map_err(|failure| Failure { exit: Exit::Failed, ..failure })
}

async fn planned(args: &TreeArgs) -> Result<Exit, Failure> {
    let Compared { described, present, found } =
        compare(&Client::of(data_dir(&args.output.local.dir)?), &args.tree).await?;
    let stale = described.revision != present.revision && !found.is_empty();
    if stale {
        tell(&format!(
            "the tree was exported at revision {}, but revision {} is in force; see `passquorum config history`",
            described.revision, present.revision
        ));
    }
    if args.output.json {
        let plan =
            json!({ "exported_at": described.revision, "current": present.revision, "differences": found });
        answer(&plan.to_string())?;
    } else {
        let count = match found.len() {
            0 => "nothing would change".to_owned(),
            1 => "1 object would change".to_owned(),
            many => format!("{many} objects would change"),
        };
        answer(&format!("{}{count}", readable(&found)))?;
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::Differs })
}

/// The differences for people, in whole lines.
fn readable(found: &[ObjectDifference]) -> String {
    let mut lines = String::new();
    for object in found {
        let sign = match object.change {
            ObjectChange::Added => '+',
            ObjectChange::Removed => '-',
            ObjectChange::Changed => '~',
        };
        lines.push_str(&format!("{sign} {}\n", plain(&object.object)));
        for field in &object.fields {
            lines.push_str(&format!("    {}\n", readable_field(field)));
        }
    }
    lines
}

fn readable_field(FieldDifference { field, before, after }: &FieldDifference) -> String {
    let field = plain(field);
    match (before.as_deref().map(short), after.as_deref().map(short)) {
        (Some(before), Some(after)) => format!("{field}: {before} -> {after}"),
        (None, Some(after)) => format!("{field}: + {after}"),
        (Some(before), None) => format!("{field}: - {before}"),
        (None, None) => field,
    }
}

/// A value in quotes, as long as people read it.
fn short(value: &str) -> String {
    let line: String = plain(value).chars().take(LONGEST).collect();
    match value.chars().count() {
        count if count > LONGEST => format!("\"{line}…\" ({count} characters)"),
        _ => format!("\"{line}\""),
    }
}

#[derive(Deserialize)]
struct Changed {
    revision: Revision,
}

pub(super) async fn apply(args: &ApplyArgs) -> Result<(), Failure> {
    let (folder, output) = (&args.tree.tree, &args.tree.output);
    let client = Client::of(data_dir(&output.local.dir)?);
    let Compared { described, present, found } = compare(&client, folder).await?;
    if found.is_empty() {
        note_revision(folder, described.revision, present.revision);
        return told(output.json, present.revision, &found);
    }
    let base = args.force_revision.map_or(described.revision, Revision);
    if base != present.revision {
        return Err(conflict(&client, described.revision, args).await?);
    }
    let change = ConfigChange::Replace(Box::new(described.config));
    let request = json!({ "base": base, "change": change, "comment": args.comment });
    let changed: Changed = match client.post("/api/v1/config/changes", &request).await {
        Err(ClientError::Refused(problem)) if problem.code == ErrorCode::StaleRevision.as_str() => {
            return Err(conflict(&client, described.revision, args).await?);
        }
        answered => answered?,
    };
    note_revision(folder, described.revision, changed.revision);
    told(output.json, changed.revision, &found)
}

fn told(as_json: bool, revision: Revision, found: &[ObjectDifference]) -> Result<(), Failure> {
    if as_json {
        return answer(&json!({ "revision": revision, "differences": found }).to_string());
    }
    if found.is_empty() {
        return answer(&format!("nothing to change; the configuration is at revision {revision}"));
    }
    answer(&format!("{}the configuration is at revision {revision} now", readable(found)))
}

/// Says in the tree which revision it is now. A tree that cannot be written is in force all the same.
fn note_revision(folder: &Path, stated: Revision, now: Revision) {
    if stated == now {
        return;
    }
    let noted = folder::read(folder).and_then(|tree| folder::write_head(folder, &tree.at_revision(now)));
    if let Err(error) = noted {
        tell(&format!("write revision = {now} into tree.toml before the next edit: {error}"));
    }
}

/// Why a tree is not applied on top of what others changed: what that was, by whom, and at which revision.
async fn conflict(client: &Client, exported: Revision, args: &ApplyArgs) -> Result<Failure, Failure> {
    let meant = args.force_revision.map_or(exported, Revision);
    let history = history::fetch(client, Some(meant)).await?;
    let current = history.current;
    let mut lines = vec![format!(
        "{}: the tree is for revision {meant}, but revision {current} is in force; nothing was changed",
        ErrorCode::StaleRevision
    )];
    if meant > current {
        lines.push("The realm has never had that revision: is this its tree?".to_owned());
    } else if history.revisions.is_empty() {
        lines.push("What was changed since is not kept any more.".to_owned());
    }
    lines.extend(history.revisions.iter().rev().map(|entry| format!("  {}", entry.readable())));
    lines.push(format!(
        "Export again and make your change on top; or see with `passquorum config plan` what the tree would undo, and \
         apply it over all that with --force-revision {current}."
    ));
    Ok(Failure { exit: Exit::Failed, message: lines.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_printed_on_one_line_and_cannot_move_the_cursor() {
        assert_eq!(short("CORP\\svc \"x\""), "\"CORP\\svc \"x\"\"");
        assert_eq!(short("a\u{1b}[2Jb\nc"), "\"a\\u{1b}[2Jb\\nc\"");
        assert!(short(&"é".repeat(500)).ends_with("…\" (500 characters)"));
    }
}
