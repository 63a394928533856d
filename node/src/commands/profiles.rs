//! `profiles`: tasks over many profiles, done by the node; this side shows how they go.

mod csv_file;
mod progress;

use super::{Failure, answer, confirm, data_dir, tell};
use crate::cli::{ImportProfilesArgs, MigrateArgs, Output, ProfilesCommand, UnregisterArgs, WhoArgs};
use crate::client::Client;
use progress::{Bar, Progress};
use serde_json::{Value, json};

pub(super) async fn run(command: ProfilesCommand) -> Result<(), Failure> {
    match command {
        ProfilesCommand::Migrate(args) => migrate(&args).await,
        ProfilesCommand::Unregister(args) => unregister(&args).await,
        ProfilesCommand::Import(args) => import(&args).await,
    }
}

async fn migrate(args: &MigrateArgs) -> Result<(), Failure> {
    let body = json!({ "domain": args.alias, "dry_run": args.dry_run });
    let mut bar = Bar::new(None);
    one(&args.output, "/api/v1/profiles/migrate", &body, &mut bar).await?;
    conclude(&args.output, bar.total(), if args.dry_run { "would be migrated" } else { "migrated" })
}

async fn unregister(args: &UnregisterArgs) -> Result<(), Failure> {
    let WhoArgs { users, group, below } = &args.who;
    let who = match (group, below) {
        (Some(group), _) => json!({ "group": group }),
        (_, Some(below)) => json!({ "below": below }),
        _ => json!({ "users": users }),
    };
    let whom = match (group, below) {
        (Some(dn), _) => format!("every member of {dn}"),
        (_, Some(dn)) => format!("everyone below {dn}"),
        _ => users.join(", "),
    };
    if !args.dry_run && !args.yes {
        let alias = &args.alias;
        tell(&format!("This takes the profiles of {whom} in {alias} away. They have to register again."));
        confirm::by_name("the domain's alias", alias, "--yes")?;
    }
    let body = json!({ "domain": args.alias, "who": who, "dry_run": args.dry_run });
    let mut bar = Bar::new(None);
    one(&args.output, "/api/v1/profiles/unregister", &body, &mut bar).await?;
    conclude(&args.output, bar.total(), if args.dry_run { "would be removed" } else { "removed" })
}

async fn import(args: &ImportProfilesArgs) -> Result<(), Failure> {
    let batches = csv_file::read(&args.file)?;
    let people = batches.iter().map(Vec::len).sum::<usize>();
    let mut bar = Bar::new(Some(people as u64));
    for people in batches {
        let body = json!({ "people": people, "replace": args.replace, "dry_run": args.dry_run });
        one(&args.output, "/api/v1/profiles/import", &body, &mut bar).await?;
    }
    conclude(&args.output, bar.total(), if args.dry_run { "would be brought in" } else { "brought in" })
}

/// Has the node do one task, and follows it to its end.
async fn one(output: &Output, path: &str, body: &Value, bar: &mut Bar) -> Result<(), Failure> {
    let client = Client::of(data_dir(&output.local.dir)?);
    let mut download = client.stream(path, body).await?;
    let mut lines = progress::Lines::default();
    while let Some(piece) = download.piece().await? {
        for progress in lines.take(&piece)? {
            for problem in &progress.problems {
                bar.clear();
                tell(&format!(
                    "{}: {}: {}",
                    super::plain(&problem.user),
                    problem.code,
                    super::plain(&problem.why)
                ));
            }
            bar.show(progress);
        }
    }
    bar.end_of_one()
}

fn conclude(output: &Output, total: &Progress, what: &str) -> Result<(), Failure> {
    let Progress { seen, changed, unchanged, failed, .. } = total;
    if output.json {
        let line = json!({ "seen": seen, "changed": changed, "unchanged": unchanged, "failed": failed });
        answer(&line.to_string())?;
    } else {
        answer(&format!("{changed} profiles {what}, {unchanged} left as they are, {failed} failed"))?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("nothing could be done about {failed} of {seen} people"))),
    }
}
