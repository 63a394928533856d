//! `config legacy`: says what files of the replaced product hold, what of it can be taken over, and what has to be entered
//! by hand. It asks no node; only `--write` writes, and only a tree.

use crate::cli::LegacyArgs;
use crate::commands::{Failure, answer, plain};
use crate::config_tree::{Tree, folder};
use crate::former_config::{Connection, Item, Plan};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// What no file gives us.
const REST: &str = "By hand, whatever the files hold: the passwords of access accounts (`connection set` asks for them); \
questions, workflows and password rules (`passquorum policy add`, then the Admin site); the groups of the Admin and Helpdesk \
sites (`passquorum access set`). Users register anew, or are brought in with `passquorum profiles import`: the form of the \
old profiles is not known.";

pub(super) fn run(args: &LegacyArgs) -> Result<(), Failure> {
    let mut files = Vec::with_capacity(args.files.len());
    for file in &args.files {
        files.push((plain(&file.display().to_string()), read(file)?));
    }
    let plan = Plan::of(&files).map_err(|(file, error)| Failure::failed(format!("{file}: {error}")))?;
    let written = match (&args.write, &args.authorities) {
        (Some(into), Some(authorities)) => Some(write(&plan, into, authorities)?),
        _ => None,
    };
    if args.json {
        return answer(&serde_json::to_string(&plan)?);
    }
    answer(&readable(&plan, written.as_deref()))
}

/// One byte more than is taken, so that a file that is too large is noticed.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let limit = crate::former_config::reader::MOST_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|open| open.take(limit).read_to_end(&mut bytes));
    read.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    Ok(bytes)
}

fn write(plan: &Plan, into: &Path, authorities: &Path) -> Result<String, Failure> {
    let pem = std::fs::read_to_string(authorities)
        .map_err(|error| Failure::usage(format!("{}: {error}", authorities.display())))?;
    let config = plan.config(&pem).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("\n  {}", plain(&problem.to_string())));
        Failure::failed(format!(
            "what the files hold is no configuration; nothing was written{}",
            lines.collect::<String>()
        ))
    })?;
    if config.connections.is_empty() {
        return Err(Failure::failed(
            "the files name no domain together with its access account, so there is nothing to write; enter the domains \
             with `passquorum connection set`",
        ));
    }
    folder::write(into, &Tree::of(&config)?)?;
    Ok(into.display().to_string())
}

fn readable(plan: &Plan, written: Option<&str>) -> String {
    let mut text = String::new();
    let lists = [
        ("Taken over, as the guide's words say; see that it is meant so", &plan.inventory.taken),
        ("Known, but not part of the configuration", &plan.inventory.by_hand),
        ("Not known: not taken over", &plan.inventory.unknown),
    ];
    for (title, items) in lists {
        text.push_str(&format!("{title} ({}):\n", items.len()));
        items.iter().for_each(|item| text.push_str(&line(item)));
    }
    if !plan.connections.is_empty() {
        text.push_str("Enter each domain, with its password:\n");
    }
    for connection in &plan.connections {
        text.push_str(&format!("  {}\n", command(connection)));
    }
    text.push_str(REST);
    if let Some(into) = written {
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "\nWritten to {into}, for a new realm: once the domains are entered, `passquorum config plan {into}` says what it \
             would change, and `passquorum config apply {into} --force-revision N` puts it in force."
        );
    }
    text
}

fn line(item: &Item) -> String {
    let value = item.value.as_ref().map_or_else(String::new, |value| format!(" = \"{}\"", plain(value)));
    format!("  {}: {} {}{value}: {}\n", item.file, plain(&item.path), plain(&item.name), plain(&item.note))
}

/// The command that enters a connection, for a shell.
fn command(connection: &Connection) -> String {
    let quoted = |text: &str| format!("'{}'", plain(text).replace('\'', "'\\''"));
    let servers = connection.servers.iter().map(|server| format!(" --server {server}")).collect::<String>();
    let account = connection.account.as_deref().map_or_else(|| "ACCESS-ACCOUNT".to_owned(), quoted);
    format!(
        "passquorum connection set --id {} --alias {}{servers} --base {} --authorities AUTHORITIES.pem --bind-name {account} \
         --profile-attribute {}",
        connection.id,
        quoted(&connection.alias),
        quoted(connection.base.as_str()),
        quoted(&connection.profile_attribute)
    )
}
