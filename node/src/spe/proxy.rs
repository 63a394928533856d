//! Whether a client goes through a proxy, and through which.
//!
//! A proxy script is JavaScript, and nothing here runs it: its texts that say `PROXY host:port` or `DIRECT` are read. When
//! there is only one such text, every path of the script returns it; else it is an assumption, and said to be one.

use super::connect::{Net, Notes, Way};
use super::report::{Fault, Report, Stage};
use super::settings::{ProxyPlace, ProxySettings};
use super::target::Target;
use std::path::Path;

/// The ways that a client tries to a host, in order. None when the settings give none; then the report says why.
pub(super) async fn ways(
    settings: Option<&ProxySettings>,
    target: &Target,
    net: &Net,
    report: &mut Report,
) -> Vec<Way> {
    let Some(settings) = settings else { return vec![Way::Direct] };
    if settings.bypass.iter().any(|pattern| matches(pattern, &target.host)) {
        report.good(Stage::Proxy, None, format!("{} is reached without the proxy", target.host));
        return vec![Way::Direct];
    }
    let mut ways = match &settings.place {
        ProxyPlace::Server(server) => match place(server) {
            Some((host, port)) => vec![Way::Through(host, port)],
            None => {
                let saw = format!("{server:?} names no host and port");
                report.wrong(Stage::Proxy, None, Fault::ProxySettingsWrong, saw);
                Vec::new()
            }
        },
        ProxyPlace::Script(script) => match read(script, net).await {
            Ok(text) => of_script(script, &text, report),
            Err(why) => {
                report.wrong(Stage::Proxy, Some(script), Fault::ProxyScriptUnreadable, why);
                Vec::new()
            }
        },
        ProxyPlace::Untold => {
            let saw = "a proxy is enabled, and neither its server nor its script is named";
            report.wrong(Stage::Proxy, None, Fault::ProxySettingsWrong, saw);
            Vec::new()
        }
    };
    if settings.direct_fallback && !ways.contains(&Way::Direct) {
        ways.push(Way::Direct);
    }
    ways
}

/// `*` stands for any text.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == host,
        Some((before, after)) => host.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).filter_map(|at| rest.get(at..)).any(|rest| matches(after, rest))
        }),
    }
}

/// `http://HOST:PORT`, `HOST:PORT`.
fn place(server: &str) -> Option<(String, u16)> {
    let url = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    Target::parse(&url).filter(|target| !target.is_tls).map(|target| (target.host, target.port))
}

async fn read(script: &str, net: &Net) -> Result<String, String> {
    let Some(target) = Target::parse(script) else {
        return std::fs::read_to_string(Path::new(script)).map_err(|error| error.to_string());
    };
    let answer = net.get(&target, &Way::Direct, &mut Notes::new()).await.map_err(|problem| problem.saw)?;
    if !answer.status().is_success() {
        return Err(format!("it is answered with {}", answer.status()));
    }
    Ok(String::from_utf8_lossy(answer.body()).into_owned())
}

fn of_script(script: &str, text: &str, report: &mut Report) -> Vec<Way> {
    let mut results = results(text);
    results.dedup();
    let through = |result: &String| result.to_ascii_uppercase().starts_with("PROXY");
    let Some(taken) = results.iter().find(|result| through(result)).or_else(|| results.first()) else {
        let saw = "no text in it says PROXY host:port or DIRECT";
        report.wrong(Stage::Proxy, Some(script), Fault::ProxyScriptUnreadable, saw);
        return Vec::new();
    };
    if results.iter().all(|result| result == taken) {
        report.good(Stage::Proxy, Some(script), format!("all that it can return is {taken:?}"));
    } else {
        let saw = format!(
            "it can return {}; it is not run here, and {taken:?} is assumed",
            results.iter().map(|result| format!("{result:?}")).collect::<Vec<_>>().join(", ")
        );
        report.doubtful(Stage::Proxy, Some(script), Fault::ProxyScriptAssumed, saw);
    }
    taken.split(';').filter_map(way).collect()
}

fn way(entry: &str) -> Option<Way> {
    let mut words = entry.split_whitespace();
    match (words.next()?.to_ascii_uppercase().as_str(), words.next()) {
        ("DIRECT", None) => Some(Way::Direct),
        ("PROXY" | "HTTP", Some(server)) => place(server).map(|(host, port)| Way::Through(host, port)),
        _ => None,
    }
}

/// The texts of a script that say where to go. Comments are passed over.
fn results(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = script;
    while let Some(next) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
        } else if matches!(next, '"' | '\'') {
            let Some((text, behind)) = rest.get(1..).and_then(|text| text.split_once(next)) else { break };
            if text.split(';').any(|entry| way(entry).is_some()) {
                found.push(text.trim().to_owned());
            }
            rest = behind;
        } else {
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn through(host: &str, port: u16) -> Way {
        Way::Through(host.to_owned(), port)
    }

    #[test]
    fn a_script_that_returns_one_thing_is_read_and_any_other_is_assumed() {
        let mut report = Report::default();
        let one = "function FindProxyForURL(url, host) { // \"DIRECT\"\n return \"PROXY p.example:8080; DIRECT\"; }";
        assert_eq!(of_script("s", one, &mut report), [through("p.example", 8080), Way::Direct]);
        assert_eq!(report.steps[0].fault, None);
        let two = "if (isPlainHostName(host)) return 'DIRECT'; /* 'PROXY x:1' */ return 'PROXY q:3128';";
        assert_eq!(of_script("s", two, &mut report), [through("q", 3128)]);
        assert_eq!(report.steps[1].fault, Some(Fault::ProxyScriptAssumed));
        assert!(of_script("s", "return x;", &mut report).is_empty());
        assert_eq!(report.steps[2].fault, Some(Fault::ProxyScriptUnreadable));
    }

    #[test]
    fn a_proxy_is_named_with_or_without_a_scheme_and_hosts_go_around_it() {
        for server in ["http://p.example:8080", "p.example:8080", "http://p.example:8080/"] {
            assert_eq!(place(server), Some(("p.example".to_owned(), 8080)), "{server}");
        }
        assert_eq!(place("https://p:1"), None);
        for (pattern, host, expected) in [
            ("*.corp", "a.corp", true),
            ("*.corp", "corp", false),
            ("a", "a", true),
            ("a*c*", "abc", true),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }

    proptest! {
        #[test]
        fn any_script_is_read_without_a_panic(script in any::<String>(), quoted in "['\"/*;é PROXY:1\n]{0,40}") {
            results(&script);
            results(&quoted);
        }
    }
}
