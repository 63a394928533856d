//! `profiles`: tasks over many profiles, done by the node; this side shows how they go.

mod csv_file;
mod progress;

use super::{Failure, answer, confirm, data_dir, tell};
use crate::cli::{ImportProfilesArgs, MigrateArgs, Output, ProfilesCommand, UnregisterArgs, WhoArgs};
use crate::client::Client;
use progress::{Bar, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) async fn run(command: ProfilesCommand) -> Result<(), Failure> {
    match command {
        ProfilesCommand::Migrate(args) => migrate(&args).await,
        ProfilesCommand::Unregister(args) => unregister(&args).await,
        ProfilesCommand::Import(args) => import(&args).await,
    }
}

async fn migrate(args: &MigrateArgs) -> Result<(), Failure> {
    let body = json!({
        "domain": args.alias,
        "accept_rewritten": args.accept_rewritten,
        "dry_run": args.dry_run,
    });
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
    let body = json!({
        "domain": args.alias,
        "who": who,
        "unreadable": args.unreadable,
        "dry_run": args.dry_run,
    });
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
        for progress in lines.take::<Progress>(&piece)? {
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

/// What is counted so far.
#[derive(Deserialize)]
struct Counted {
    users: u64,
    unserved: u64,
    policies: Vec<CountedPolicy>,
    #[serde(default)]
    left_out: Vec<LeftOut>,
    done: bool,
}

/// A domain that could not be asked.
#[derive(Deserialize, Serialize)]
struct LeftOut {
    domain: String,
    code: String,
    why: String,
}

#[derive(Deserialize)]
struct CountedPolicy {
    id: String,
    name: String,
    users: u64,
    registered: u64,
}

/// `policy users`.
pub(super) async fn count_users(output: &Output) -> Result<(), Failure> {
    let mut download = Client::of(data_dir(&output.local.dir)?).stream_get("/api/v1/users/count").await?;
    let (mut lines, mut last) = (progress::Lines::default(), None);
    while let Some(piece) = download.piece().await? {
        last = lines.take::<Counted>(&piece)?.pop().or(last);
    }
    let Some(counted) = last.filter(|counted: &Counted| counted.done) else {
        return Err(Failure::not_now("the node broke off; run the command again"));
    };
    if output.json {
        let policies: Vec<_> = counted
            .policies
            .iter()
            .map(|one| {
                json!({ "id": one.id, "name": one.name, "users": one.users, "registered": one.registered })
            })
            .collect();
        let line = json!({
            "users": counted.users, "unserved": counted.unserved, "policies": policies, "left_out": counted.left_out,
        });
        answer(&line.to_string())?;
    } else {
        for policy in &counted.policies {
            let name = super::plain(&policy.name);
            answer(&format!("{name}: {} users, {} registered", policy.users, policy.registered))?;
        }
        let Counted { users, unserved, .. } = counted;
        answer(&format!("{users} users in all, {unserved} of them served by no policy"))?;
    }
    for LeftOut { domain, code, why } in &counted.left_out {
        tell(&format!("{}: {}: {}", super::plain(domain), super::plain(code), super::plain(why)));
    }
    match counted.left_out.len() {
        0 => Ok(()),
        left_out => Err(Failure::failed(format!("{left_out} domains are left out, or a part of them"))),
    }
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
