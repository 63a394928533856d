//! `spe`: what a legacy client at the logon screen meets.

use super::{Exit, Failure, answer, plain, secret_input};
use crate::cli::{DiagnoseArgs, SpeCommand};
use crate::spe::report::Report;
use crate::spe::settings::{ProxyPlace, ProxySettings, Settings, SettingsError};
use crate::spe::walk::{self, Domain, Start};
use passquorum_domain::time::Timestamp;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) async fn run(command: SpeCommand) -> Result<Exit, Failure> {
    match command {
        SpeCommand::Diagnose(args) => diagnose(args).await,
    }
}

async fn diagnose(args: DiagnoseArgs) -> Result<Exit, Failure> {
    let json = args.json;
    let authorities = read(&args.authorities)?;
    let settings = settings(&args)?;
    let domain = match args.bind_name {
        Some(account) => Some(Domain {
            servers: args.servers,
            name_servers: args.name_servers,
            account,
            password: secret_input::from(
                &args.password_file,
                "The account's password, then Enter (it is not shown):",
            )?,
        }),
        None => None,
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Timestamp(u64::try_from(since.as_millis())?);
    let report = walk::walk(Start { settings, domain, authorities, max_age: args.max_age, now }).await?;
    print(&report, json)?;
    Ok(if report.is_good() {
        Exit::Done
    } else if report.is_temporary() {
        Exit::NotNow
    } else {
        Exit::Failed
    })
}

fn print(report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        let line = serde_json::json!({ "good": report.is_good(), "url": report.url, "steps": report.steps });
        return answer(&line.to_string());
    }
    for step in &report.steps {
        // Of what others wrote, nothing moves the terminal's cursor; the line breaks are ours.
        let lines = step.to_string().split('\n').map(plain).collect::<Vec<_>>().join("\n");
        answer(&lines)?;
    }
    match (&report.url, report.is_good()) {
        (Some(url), true) => answer(&format!("a client gets to {}", plain(url))),
        (Some(url), false) => {
            answer(&format!("a client gets to {}, but not everything on its way is right", plain(url)))
        }
        (None, _) => answer("a client does not get to the site"),
    }
}

fn settings(args: &DiagnoseArgs) -> Result<Settings, Failure> {
    let mut settings = match &args.settings {
        Some(file) => Settings::read(&read(file)?)
            .map_err(|error: SettingsError| Failure::usage(format!("{}: {error}", file.display())))?,
        None => Settings::default(),
    };
    let given = |option: &Option<String>, held: Option<String>| option.clone().or(held);
    settings.url = given(&args.url, settings.url);
    settings.override_url = given(&args.override_url, settings.override_url);
    settings.affinity = given(&args.affinity, settings.affinity);
    settings.attempts = args.attempts.unwrap_or(settings.attempts);
    let place = match (&args.proxy, &args.proxy_script) {
        (Some(server), _) => Some(ProxyPlace::Server(server.clone())),
        (None, Some(script)) => Some(ProxyPlace::Script(script.clone())),
        (None, None) => None,
    };
    if let Some(place) = place {
        let held = settings.proxy.take();
        let (bypass, direct_fallback) =
            held.map_or_else(|| (Vec::new(), false), |held| (held.bypass, held.direct_fallback));
        settings.proxy = Some(ProxySettings { place, bypass, direct_fallback });
    }
    Ok(settings)
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}
