//! `directory delegate`: the least that the access account needs, as a script. Pure text: nobody is asked, nothing is run.
//!
//! On users below each OU: the extended right *Reset Password*, read and write of four attributes, and read of their versions. On the container of
//! fine-grained password policies: read. In each further container: make and remove service connection points, and write
//! and remove those that are there. To push changes, on the domain: the extended rights for that. What it grants twice changes nothing. The attributes' ids are looked up by the script.

use crate::cli::{DelegateArgs, DelegationForm, PushTo};
use passquorum_domain::directory::DistinguishedName;

const RESET_PASSWORD: &str = "00299570-246d-11d0-a768-00aa006e0529";
const USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";
/// Tells how often each attribute was written, and so whether somebody put an earlier profile back.
const VERSIONS: &str = "replPropertyMetaData";
const CONNECTION_POINT: &str = "28630ec1-41d5-11d1-a9c1-0000f80367c1";

/// DS-Replication-Synchronize.
const SYNCHRONIZE: (&str, &str) = ("1131f6ab-9c07-11d1-f79f-00c04fc2dcd2", "Replication Synchronization");
/// Read-Only-Replication-Secret-Synchronization.
const SYNCHRONIZE_SECRETS: (&str, &str) =
    ("1131f6ae-9c07-11d1-f79f-00c04fc2dcd2", "Read Only Replication Secret Synchronization");

/// The script, or why there can be none.
pub(super) fn script(args: &DelegateArgs) -> Result<String, String> {
    let mut attributes = vec!["lockoutTime", "pwdLastSet", "userAccountControl"];
    if !attributes.contains(&args.attribute.as_str()) {
        attributes.push(&args.attribute);
    }
    match args.form {
        DelegationForm::SambaTool => Ok(samba_tool(args, &attributes)),
        DelegationForm::Dsacls => dsacls(args, &attributes),
    }
}

/// The part of a DN that names its domain.
fn domain(dn: &DistinguishedName) -> Result<&str, String> {
    let text = dn.as_str();
    let lower = text.to_ascii_lowercase();
    let begins = lower.match_indices("dc=").map(|(at, _)| at).find(|at| {
        let before = lower.get(..*at).unwrap_or_default();
        let rest = lower.get(*at..).unwrap_or_default();
        (before.is_empty() || before.ends_with(',') && !before.ends_with("\\,"))
            && rest.split(',').all(|part| part.starts_with("dc="))
    });
    begins
        .and_then(|at| text.get(at..))
        .ok_or_else(|| format!("{text} does not end with its domain, such as DC=corp,DC=example"))
}

/// Every domain that an OU is of, once.
fn domains(args: &DelegateArgs) -> Result<Vec<&str>, String> {
    let mut found: Vec<&str> = Vec::new();
    for ou in &args.ou {
        let domain = domain(ou)?;
        if !found.iter().any(|known| known.eq_ignore_ascii_case(domain)) {
            found.push(domain);
        }
    }
    Ok(found)
}

/// What is the domain's own the script asks the controller for: where its domain begins, and where its forest keeps the schema.
fn samba_tool(args: &DelegateArgs, attributes: &[&str]) -> String {
    let mut out = format!(
        "#!/bin/sh\n\
         # Delegates to {account} what passquorum needs, and no more. Run it as an administrator of the domain:\n\
         #   H=ldap://dc1.corp.example sh delegate.sh -U Administrator\n\
         # or on a controller, as root: H=/var/lib/samba/private/sam.ldb sh delegate.sh\n\
         set -eu\n\
         : \"${{H:?set H to the URL of a domain controller or the path of its database}}\"\n\
         # The values of an attribute, whose long lines are folded.\n\
         values() {{\n    \
         awk -v name=\"$1: \" '\n        \
         function tell() {{ if (index(line, name) == 1) print substr(line, length(name) + 1) }}\n        \
         /^ / {{ line = line substr($0, 2); next }} {{ tell(); line = $0 }} END {{ tell() }}'\n\
         }}\n\
         find() {{\n    \
         filter=$1 name=$2; shift 2\n    \
         found=$(ldbsearch -H \"$H\" \"$@\" \"$filter\" \"$name\" | values \"$name\")\n    \
         [ -n \"$found\" ] || {{ echo \"nothing is found by $filter\" >&2; exit 1; }}\n    \
         echo \"$found\"\n\
         }}\n\
         root() {{ name=$1; shift; find '(objectClass=*)' \"$name\" \"$@\" -s base -b ''; }}\n\
         base=$(root defaultNamingContext \"$@\")\n\
         schema=$(root schemaNamingContext \"$@\")\n\
         id_of() {{ name=$1; shift; find \"(lDAPDisplayName=$name)\" schemaIDGUID \"$@\" -b \"$schema\"; }}\n\
         allow() {{\n    \
         at=$1 sddl=$2; shift 2\n    \
         samba-tool dsacl set -H \"$H\" \"$@\" --objectdn=\"$at\" --sddl=\"$sddl\" >/dev/null\n    \
         echo \"delegated on $at\"\n\
         }}\n\
         sid=$(find '(sAMAccountName={account})' objectSid \"$@\" -b \"$base\")\n\
         users=\"(OA;CIIO;CR;{RESET_PASSWORD};{USER};$sid)\"\n",
        account = args.account.name,
    );
    for (attribute, rights) in attributes.iter().map(|name| (*name, "RPWP")).chain([(VERSIONS, "RP")]) {
        out.push_str(&format!(
            "id=$(id_of {attribute} \"$@\")\nusers=\"$users(OA;CIIO;{rights};$id;{USER};$sid)\"\n"
        ));
    }
    for ou in &args.ou {
        out.push_str(&format!("allow {} \"$users\" \"$@\"\n", shell(ou.as_str())));
    }
    let settings = "CN=Password Settings Container,CN=System";
    out.push_str(&format!("allow \"{settings},$base\" \"(A;CI;LCRPLORC;;;$sid)\" \"$@\"\n"));
    for container in &args.container {
        let place = shell(container.as_str());
        out.push_str(&format!(
            "allow {place} \"(OA;;CCDC;{CONNECTION_POINT};;$sid)(OA;CIIO;RPWPSDLCLORC;;{CONNECTION_POINT};$sid)\" \"$@\"\n"
        ));
    }
    for (right, _) in pushing(args) {
        out.push_str(&format!("allow \"$base\" \"(OA;;CR;{right};;$sid)\" \"$@\"\n"));
    }
    out
}

/// The extended rights to push changes, by id and by name.
fn pushing(args: &DelegateArgs) -> impl Iterator<Item = (&'static str, &'static str)> {
    let changes = args.push.is_some().then_some(SYNCHRONIZE);
    changes.into_iter().chain((args.push == Some(PushTo::ReadOnlyToo)).then_some(SYNCHRONIZE_SECRETS))
}

/// One word for a POSIX shell, whatever it holds.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn dsacls(args: &DelegateArgs, attributes: &[&str]) -> Result<String, String> {
    let Some(domain) = &args.account.domain else {
        return Err("dsacls needs the account with its domain, such as CORP\\svc-sspr".to_owned());
    };
    let whom = format!("{domain}\\{}", args.account.name);
    let mut out = format!(
        "@echo off\r\nrem Delegates to {whom} what passquorum needs, and no more. Run it as an administrator of the domain.\r\n"
    );
    let mut line = |at: &str, how: &str, grants: &[String]| -> Result<(), String> {
        let grants: Vec<_> = grants.iter().map(|grant| format!("\"{whom}:{grant}\"")).collect();
        out.push_str(&format!("dsacls {} {how}/G {} || exit /b 1\r\n", batch(at)?, grants.join(" ")));
        Ok(())
    };
    let mut users = vec!["CA;Reset Password;user".to_owned()];
    users.extend(attributes.iter().map(|attribute| format!("RPWP;{attribute};user")));
    users.push(format!("RP;{VERSIONS};user"));
    for ou in &args.ou {
        line(ou.as_str(), "/I:S ", &users)?;
    }
    for domain in domains(args)? {
        let settings = format!("CN=Password Settings Container,CN=System,{domain}");
        line(&settings, "/I:T ", &["LCRPLORC".to_owned()])?;
        for (_, right) in pushing(args) {
            line(domain, "", &[format!("CA;{right}")])?;
        }
    }
    for container in &args.container {
        line(container.as_str(), "", &["CCDC;serviceConnectionPoint".to_owned()])?;
        line(container.as_str(), "/I:S ", &["RPWPSDLCLORC;;serviceConnectionPoint".to_owned()])?;
    }
    Ok(out)
}

/// One word for `cmd.exe`, where nothing inside quotes is special but `%`, which is doubled in a batch file, and the quote
/// itself, for which there is no way.
fn batch(text: &str) -> Result<String, String> {
    if text.contains('"') {
        return Err(format!("{text}: a name with a quotation mark cannot be written in a batch file"));
    }
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::AccountName;
    use proptest::prelude::*;
    use std::process::Command;

    fn args(form: DelegationForm, ou: &str) -> DelegateArgs {
        let dn = |text: &str| DistinguishedName::parse(text).unwrap();
        DelegateArgs {
            form,
            account: AccountName { domain: Some("CORP".to_owned()), name: "svc".to_owned() },
            ou: vec![dn(ou)],
            attribute: "comment".to_owned(),
            container: vec![dn("CN=One Identity,CN=System,DC=a,DC=b")],
            push: None,
        }
    }

    /// The tests of the directory run that file on a Samba controller.
    #[test]
    fn the_script_is_the_one_that_was_run_on_samba() {
        let dn = |text: &str| DistinguishedName::parse(text).unwrap();
        let mut args = args(DelegationForm::SambaTool, "OU=People,DC=corp,DC=example,DC=test");
        args.account = AccountName { domain: None, name: "svc-fresh".to_owned() };
        args.ou.push(dn("OU=O'Brien & $(Sons),DC=corp,DC=example,DC=test"));
        args.container = vec![dn("OU=Svc,DC=corp,DC=example,DC=test")];
        assert!(!script(&args).unwrap().contains(SYNCHRONIZE.0), "only who pushes needs it");
        args.push = Some(PushTo::Controllers);
        assert_eq!(script(&args).unwrap(), include_str!("../../../../ad-sync/tests/ad_sync/delegation.sh"));
    }

    #[test]
    fn the_batch_file_keeps_to_the_grammar_of_dsacls() {
        let text = script(&args(DelegationForm::Dsacls, "OU=100% us,DC=a,DC=b")).unwrap();
        let lines: Vec<_> = text.split("\r\n").collect();
        let users = "dsacls \"OU=100%% us,DC=a,DC=b\" /I:S /G \"CORP\\svc:CA;Reset Password;user\" \
                     \"CORP\\svc:RPWP;lockoutTime;user\" \"CORP\\svc:RPWP;pwdLastSet;user\" \
                     \"CORP\\svc:RPWP;userAccountControl;user\" \"CORP\\svc:RPWP;comment;user\" \
                     \"CORP\\svc:RP;replPropertyMetaData;user\" || exit /b 1";
        assert_eq!(lines[2], users);
        let settings = "dsacls \"CN=Password Settings Container,CN=System,DC=a,DC=b\" /I:T /G \"CORP\\svc:LCRPLORC\" || exit /b 1";
        assert_eq!(lines[3], settings);
        assert!(
            lines[4].ends_with("/G \"CORP\\svc:CCDC;serviceConnectionPoint\" || exit /b 1"),
            "{}",
            lines[4]
        );
        assert!(script(&args(DelegationForm::Dsacls, "OU=a\"b,DC=a")).is_err());
        let pushing =
            DelegateArgs { push: Some(PushTo::ReadOnlyToo), ..args(DelegationForm::Dsacls, "DC=a,DC=b") };
        let text = script(&pushing).unwrap();
        for right in ["Replication Synchronization", "Read Only Replication Secret Synchronization"] {
            assert!(
                text.contains(&format!("dsacls \"DC=a,DC=b\" /G \"CORP\\svc:CA;{right}\" || exit /b 1")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_without_its_domain_is_refused() {
        assert!(script(&args(DelegationForm::Dsacls, "OU=People")).is_err());
        let dn = |text: &str| DistinguishedName::parse(text).unwrap();
        assert_eq!(domain(&dn("OU=x\\,dc=y,DC=Corp,dc=example")).unwrap(), "DC=Corp,dc=example");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_name_is_one_word_to_a_shell(text in "[ -~é]{1,30}") {
            let echoed = Command::new("sh").arg("-c").arg(format!("printf %s {}", shell(&text))).output().unwrap();
            prop_assert_eq!(String::from_utf8(echoed.stdout).unwrap(), text);
        }
    }
}
