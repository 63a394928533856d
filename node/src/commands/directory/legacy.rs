//! `directory points` and `directory mirror`: what the realm keeps in the directory for legacy clients.

use super::super::{Failure, answer, confirm, data_dir, plain, tell};
use crate::cli::{Local, MirrorCommand, PointsCommand, RemovePointArgs};
use crate::client::Client;
use http::Method;
use passquorum_domain::config::RealmConfig;
use passquorum_domain::mirror::SectionSize;
use passquorum_domain::points::ListedPoint;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

const POINTS: &str = "/api/v1/directory/points";
const MIRROR: &str = "/api/v1/directory/mirror";

#[derive(Deserialize)]
struct Listing {
    points: Vec<ListedPoint>,
    unread: Vec<Unread>,
}

#[derive(Deserialize)]
struct Unread {
    domain: String,
    error: String,
}

#[derive(Deserialize)]
struct Report {
    domain: Option<String>,
    container: Option<String>,
    #[serde(rename = "true")]
    is_true: bool,
    error: Option<String>,
    sections: Vec<SectionSize>,
    advice: Option<String>,
}

fn client(local: &Local) -> Result<Client, Failure> {
    Ok(Client::of(data_dir(&local.dir)?))
}

pub(super) async fn points(command: PointsCommand) -> Result<(), Failure> {
    match command {
        PointsCommand::List(output) => {
            let told: Value = client(&output.local)?.get(POINTS).await?;
            if output.json {
                return answer(&told.to_string());
            }
            answer(&render(&serde_json::from_value(told)?))
        }
        PointsCommand::Remove(args) => remove(&args).await,
    }
}

fn render(listing: &Listing) -> String {
    let mut out = String::new();
    for point in &listing.points {
        let age = point.age.map_or_else(|| "of no known age".to_owned(), |age| format!("{age} s old"));
        let urls: Vec<_> = point.urls.iter().map(|url| plain(url)).collect();
        let (dn, verdict) = (plain(point.dn.as_str()), point.verdict.words());
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{dn}\n    {} ({age})\n    {verdict}", urls.join(" "));
    }
    if listing.points.is_empty() && listing.unread.is_empty() {
        out.push_str("there are no service connection points\n");
    }
    for Unread { domain, error } in &listing.unread {
        let _ = writeln!(out, "{}: NOT READ: {}", plain(domain), plain(error));
    }
    out.trim_end().to_owned()
}

async fn remove(args: &RemovePointArgs) -> Result<(), Failure> {
    let client = client(&args.local)?;
    if !args.yes {
        tell(&format!("{} will be removed; whoever looks for it finds it no more.", plain(&args.dn)));
        let config: RealmConfig = client.get("/api/v1/config").await?;
        confirm::by_name("the organisation's name", &config.general.organisation, "--yes")?;
    }
    let body = json!({ "dn": args.dn }).to_string().into_bytes();
    client.send(Method::POST, &format!("{POINTS}/remove"), &[], body).await?;
    answer(&format!("{} was removed", plain(&args.dn)))
}

pub(super) async fn mirror(command: MirrorCommand) -> Result<(), Failure> {
    match command {
        MirrorCommand::Show(output) => {
            let told: Value = client(&output.local)?.get(MIRROR).await?;
            if output.json {
                return answer(&told.to_string());
            }
            answer(&report(&serde_json::from_value(told)?))
        }
        MirrorCommand::Rebuild(local) => {
            client(&local)?.send(Method::POST, &format!("{MIRROR}/rebuild"), &[], Vec::new()).await?;
            answer("the container was removed; the leader makes it anew within seconds")
        }
    }
}

fn report(report: &Report) -> String {
    let Some(container) = &report.container else {
        return "the realm is not mirrored, and publishes no service connection points".to_owned();
    };
    let standing = match &report.error {
        Some(error) => format!("NOT READ: {}", plain(error)),
        None if report.is_true => "it shows the realm as it is".to_owned(),
        None => "it does NOT show the realm as it is; the leader mends that within seconds".to_owned(),
    };
    let domain = report.domain.as_deref().unwrap_or_default();
    let mut out = format!("{} in {}\n{standing}", plain(container), plain(domain));
    for SectionSize { section, bytes } in &report.sections {
        let _ = write!(out, "\n{bytes:>10} bytes  {}", plain(section));
    }
    if let Some(advice) = &report.advice {
        let _ = write!(out, "\n{}", plain(advice));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_is_told_with_its_sites_age_and_verdict_and_each_silent_domain() {
        let told = json!({
            "points": [{
                "domain": "CORP", "dn": "CN=Old,CN=One Identity,CN=System,DC=x", "owner": { "kind": "foreign" },
                "urls": ["https://old\u{1b}.example/"], "stamp": null, "age": null, "version": null, "verdict": "foreign-stale",
            }],
            "unread": [{ "domain": "OTHER", "error": "does not answer" }],
        });
        let told = render(&serde_json::from_value(told).unwrap());
        for part in [
            "CN=Old,",
            "https://old\\u{1b}.example/ (of no known age)",
            "remove it if",
            "OTHER: NOT READ: does not",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn the_mirror_is_told_with_its_sizes_and_what_is_wrong() {
        let mut told = json!({
            "domain": "CORP", "container": "CN=x", "fence": null, "true": false, "error": null,
            "sections": [{ "section": "nodes", "bytes": 17 }], "advice": "name fewer groups",
        });
        let shown = |told: &Value| report(&serde_json::from_value(told.clone()).unwrap());
        for part in ["does NOT show", "17 bytes  nodes", "name fewer groups"] {
            assert!(shown(&told).contains(part), "{}", shown(&told));
        }
        told["error"] = json!("away");
        assert!(shown(&told).contains("NOT READ: away"));
        told["container"] = Value::Null;
        assert!(shown(&told).contains("not mirrored"));
    }
}
