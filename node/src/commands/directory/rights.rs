//! `directory check`: what the node saw of the access account's rights, for people, with what to do about what is missing.

use super::super::{Failure, answer, data_dir, plain};
use crate::cli::CheckArgs;
use crate::client::Client;
use passquorum_domain::config::RealmConfig;
use passquorum_domain::ports::{Right, RightCheck, RightsReport, Standing};
use serde_json::json;

pub(super) async fn check(args: CheckArgs) -> Result<(), Failure> {
    let CheckArgs { output, alias, ou, user, container } = args;
    let client = Client::of(data_dir(&output.local.dir)?);
    let config: RealmConfig = client.get("/api/v1/config").await?;
    let connection = config.connections.iter().find(|connection| connection.alias == alias);
    let connection =
        connection.ok_or_else(|| Failure::usage(format!("no domain connection has the alias {alias}")))?;
    let path = format!("/api/v1/connections/{}/rights", connection.id);
    let asked = json!({ "below": ou, "users": user, "containers": container });
    let report: RightsReport = client.post(&path, &asked).await?;
    answer(&if output.json { serde_json::to_string(&report)? } else { render(&report) })?;
    if report.is_complete() {
        Ok(())
    } else {
        Err(Failure::failed("rights are missing, or could not be seen"))
    }
}

fn render(report: &RightsReport) -> String {
    let RightsReport { account, dc, users, checks, protected, warnings } = report;
    let mut out = format!("{} as {} sees it; {users} users were looked at\n", plain(account), plain(dc));
    for check in checks {
        out.push_str(&line(check));
    }
    if let Some(example) = protected.first() {
        out.push_str(&format!(
            "  note     {} users are protected by the domain (adminCount), such as {}: they inherit no rights, which is \
             right. Leave them out of the policies' scopes.\n",
            protected.len(),
            plain(example.as_str())
        ));
    }
    for warning in warnings {
        out.push_str(&format!("  warning  {}\n", plain(warning)));
    }
    out.push_str(if report.is_complete() {
        "every right is there"
    } else {
        "`passquorum directory delegate` writes the script that grants what is missing"
    });
    out
}

fn line(RightCheck { right, at, standing, lacking, example }: &RightCheck) -> String {
    let at = plain(at.as_str());
    match standing {
        Standing::Held => format!("  yes      {right}: {at}\n"),
        Standing::Unknown => format!("  unknown  {right}: {at}; the account is not shown enough to tell\n"),
        Standing::Missing => {
            let whom = example.as_ref().map_or_else(String::new, |example| {
                format!(" for {lacking}, such as {}", plain(example.as_str()))
            });
            format!("  MISSING  {right}: {at}{whom}\n           {}\n", grant(right))
        }
    }
}

/// How to grant it by hand.
fn grant(right: &Right) -> String {
    match right {
        Right::ReadUser => "grant Read on user objects, inherited".to_owned(),
        Right::ResetPassword => {
            "grant the extended right Reset Password on user objects, inherited".to_owned()
        }
        Right::Write(attribute) => {
            format!("grant Read and Write of the property {attribute} on user objects, inherited")
        }
        Right::ReadPasswordSettings => "grant Read on it and what is in it".to_owned(),
        Right::MakeConnectionPoint => "grant Create serviceConnectionPoint objects".to_owned(),
        Right::WriteConnectionPoints => {
            "grant Write of adminDescription, keywords and serviceBindingInformation on these objects"
                .to_owned()
        }
        Right::RemoveConnectionPoint => "grant Delete serviceConnectionPoint objects".to_owned(),
        Right::WriteMirror => {
            "grant Create serviceConnectionPoint objects where it lies, or Write on it when it is there"
                .to_owned()
        }
        Right::PushPasswords => {
            "grant the extended right Read Only Replication Secret Synchronization on the domain".to_owned()
        }
        Right::PushChanges => "grant the extended right Replication Synchronization on the domain".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::directory::DistinguishedName;

    #[test]
    fn what_is_missing_is_said_with_whom_and_how_to_grant_it() {
        let dn = |text: &str| DistinguishedName::parse(text).unwrap();
        let (at, bob) = (dn("OU=People,DC=a"), dn("CN=bob,OU=People,DC=a"));
        let missing = RightCheck {
            right: Right::Write("comment".to_owned()),
            at,
            standing: Standing::Missing,
            lacking: 3,
            example: Some(bob),
        };
        let told = line(&missing);
        assert!(
            told.contains("MISSING  write comment of users: OU=People,DC=a for 3, such as CN=bob"),
            "{told}"
        );
        assert!(told.contains("Read and Write of the property comment"), "{told}");
        let held = RightCheck { right: Right::ResetPassword, standing: Standing::Held, ..missing };
        assert_eq!(line(&held), "  yes      reset passwords of users: OU=People,DC=a\n");
    }
}
