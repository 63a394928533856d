//! `spe diagnose`: each fault on the way from a URL to the page, planted in a web server or a proxy of the test, is found
//! and named. What needs a domain and a real load balancer is among the end-to-end tests.

mod site;

use crate::program::{Ran, run};
use serde_json::Value;
use site::{Dates, Proxy, Server, World, page};
use std::io::Write as _;
use std::path::Path;

/// What a walk found.
struct Found {
    code: i32,
    report: Value,
}

impl Found {
    fn of(ran: &Ran) -> Self {
        let report = serde_json::from_str(&ran.out);
        Self { code: ran.code, report: report.unwrap_or_else(|error| panic!("{error}: {ran:?}")) }
    }

    /// The faults of steps that are wrong, each with what mends it.
    fn wrong(&self) -> Vec<String> {
        let steps = self.report["steps"].as_array().unwrap();
        let wrong = steps.iter().filter(|step| step["verdict"] == "wrong");
        let named = wrong.map(|step| {
            assert!(step["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{step}");
            step["fault"].as_str().unwrap().to_owned()
        });
        named.collect()
    }

    fn saw(&self, stage: &str) -> String {
        let steps = self.report["steps"].as_array().unwrap().iter();
        let of = steps.filter(|step| step["stage"] == stage).filter_map(|step| step["saw"].as_str());
        of.collect::<Vec<_>>().join("\n")
    }
}

fn diagnose(world: &World, arguments: &[&str]) -> Found {
    let authorities = world.authorities();
    let fixed = ["spe", "diagnose", "--json", "--authorities", authorities.to_str().unwrap()];
    Found::of(&run(&[&fixed[..], arguments].concat()))
}

fn expect(world: &World, url: &str, arguments: &[&str], code: i32, wrong: &[&str]) -> Found {
    let found = diagnose(world, &[&["--override-url", url][..], arguments].concat());
    assert_eq!(
        (found.code, found.wrong()),
        (code, wrong.iter().map(|w| (*w).to_owned()).collect()),
        "{}",
        found.report
    );
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_without_a_fault_ends_at_the_page() {
    let world = World::new();
    let site = Server::tls(&world.certificate(&["localhost"], Dates::Valid), |path| match path {
        "/PMUser/" => "HTTP/1.1 302 Found\r\nLocation: /logon-old/\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "/logon-old/" => page("200 OK", "<a href=\"/logon-old/start/forgot-password\">"),
        _ => page("404 Not Found", ""),
    })
    .await;
    let found = expect(&world, &site.url("/PMUser/"), &[], 0, &[]);
    assert_eq!(found.report["url"].as_str().unwrap(), site.url("/logon-old/"));
    assert!(found.saw("redirects").contains("302 Found leads to"), "{}", found.report);
    assert!(found.saw("certificate").contains("names localhost, is valid from"), "{}", found.report);
    assert!(found.saw("balancer").contains("node 1 6 times"), "{}", found.report);

    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "SelfServiceUrl = \"{}\"", site.url("/PMUser/")).unwrap();
    let found = diagnose(&world, &["--settings", file.path().to_str().unwrap()]);
    assert_eq!((found.code, found.wrong()), (0, vec![]), "{}", found.report);
    writeln!(file, "Nonsense = 1").unwrap();
    let ran = run(&["spe", "diagnose", "--settings", file.path().to_str().unwrap()]);
    assert_eq!(ran.code, 64, "{ran:?}");
    assert!(ran.err.contains("Nonsense: the template has no such value"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_certificate_is_told_apart() {
    let world = World::new();
    let good = || |_: &str| page("200 OK", "<a href=\"/logon-old/start/forgot-password\">");
    let expired = Server::tls(&world.certificate(&["localhost"], Dates::Past), good()).await;
    let found = expect(&world, &expired.url("/"), &[], 1, &["certificate-expired"]);
    assert!(found.saw("certificate").contains("names localhost, is valid from"), "{}", found.report);
    let early = Server::tls(&world.certificate(&["localhost"], Dates::Future), good()).await;
    expect(&world, &early.url("/"), &[], 1, &["certificate-not-yet-valid"]);
    let other = Server::tls(&world.certificate(&["pw.example"], Dates::Valid), good()).await;
    let found = expect(&world, &other.url("/"), &[], 1, &["certificate-wrong-name"]);
    assert!(found.saw("certificate").contains("names pw.example"), "{}", found.report);
    let stranger = World::new();
    let unknown = Server::tls(&stranger.certificate(&["localhost"], Dates::Valid), good()).await;
    expect(&world, &unknown.url("/"), &[], 1, &["certificate-unknown-authority"]);
    let clear = Server::clear(good()).await;
    expect(&world, &format!("https://localhost:{}/", clear.port), &[], 1, &["tls-failed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_url_and_of_a_page_is_told_apart() {
    let world = World::new();
    expect(&world, "pw.example", &[], 1, &["url-invalid"]);
    expect(&world, "https://no-such-host.invalid/PMUser/", &[], 1, &["name-unresolved"]);
    let closed = site::closed_port().await;
    expect(&world, &format!("https://localhost:{closed}/"), &[], 1, &["unreachable"]);
    let site = Server::tls(&world.certificate(&["localhost"], Dates::Valid), |path| {
        let to = |location: &str| {
            format!("HTTP/1.1 301 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
        };
        match path {
            "/away" => to("https://elsewhere.example/"),
            "/round" => to("/round"),
            "/none" => page("200 OK", ""),
            "/locked" => page("503 Service Unavailable", "<code>PQ-NO-QUORUM</code>"),
            "/balancer" => site::plain("503 Service Unavailable", "<title>x</title><code>PQ-NO-NODE</code>"),
            _ => site::plain("200 OK", "<title>Welcome to another product</title>"),
        }
    })
    .await;
    for (path, code, fault) in [
        ("/away", 1, "redirect-elsewhere"),
        ("/round", 1, "redirect-loop"),
        ("/none", 1, "task-missing"),
        ("/locked", 2, "site-not-ready"),
        ("/balancer", 2, "no-node-behind"),
        ("/other", 1, "stranger"),
    ] {
        expect(&world, &site.url(path), &[], code, &[fault]);
    }
    let found = expect(&world, &site.url("/other"), &[], 1, &["stranger"]);
    assert!(found.saw("page").contains("Welcome to another product"), "{}", found.report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_gone_through_or_said_to_be_what_is_wrong() {
    let world = World::new();
    let site = Server::tls(&world.certificate(&["localhost"], Dates::Valid), |_| {
        page("200 OK", "<a href=\"/logon-old/start/forgot-password\">")
    })
    .await;
    let url = site.url("/");
    let open = Proxy::start(site.port, None).await;
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    let found = expect(&world, &url, &["--proxy", &at(open.port)], 0, &[]);
    assert!(found.saw("proxy").contains("opens a way"), "{}", found.report);
    assert!(open.served() > 0, "nothing went through it");
    let guarded = Proxy::start(site.port, Some("Basic dXNlcjpwYXNz")).await;
    let found = expect(&world, &url, &["--proxy", &at(guarded.port)], 1, &["proxy-authentication"]);
    assert!(found.saw("proxy").contains("(Basic)"), "{}", found.report);
    let narrow = Proxy::start(1, None).await;
    expect(&world, &url, &["--proxy", &at(narrow.port)], 1, &["proxy-refused"]);
    let closed = at(site::closed_port().await);
    expect(&world, &url, &["--proxy", &closed], 1, &["proxy-unreachable"]);

    let script = format!("function FindProxyForURL(u, h) {{ return \"PROXY 127.0.0.1:{}\"; }}", guarded.port);
    let scripts = Server::clear(move |path| match path {
        "/proxy.pac" => site::plain("200 OK", &script),
        _ => site::plain("404 Not Found", ""),
    })
    .await;
    let pac = |path: &str| format!("http://127.0.0.1:{}{path}", scripts.port);
    expect(&world, &url, &["--proxy-script", &pac("/proxy.pac")], 1, &["proxy-authentication"]);
    expect(&world, &url, &["--proxy-script", &pac("/gone.pac")], 1, &["proxy-script-unreadable"]);

    let settings = world.file(&format!(
        "EnableProxy = 1\nProxyServer = \"{closed}\"\nProxyDirectFallback = 1\nOverrideUrl = \"{url}\"\n"
    ));
    let found = diagnose(&world, &["--settings", path(&settings)]);
    assert_eq!((found.code, found.wrong()), (0, vec![]), "{}", found.report);
    let settings = world.file(&format!(
        "EnableProxy = 1\nProxyServer = \"{closed}\"\nProxyBypass = \"local*\"\nOverrideUrl = \"{url}\"\n"
    ));
    let found = diagnose(&world, &["--settings", path(&settings)]);
    assert_eq!((found.code, found.wrong()), (0, vec![]), "{}", found.report);
}

fn path(file: &Path) -> &str {
    file.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_servers_behind_a_url_that_does_not_serve_is_noticed() {
    let world = World::new();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let site = Server::tls(&world.certificate(&["localhost"], Dates::Valid), move |_| {
        match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 3 {
            2 => site::plain("200 OK", "<title>Nobody's</title>"),
            _ => page("200 OK", "<a href=\"/logon-old/start/forgot-password\">"),
        }
    })
    .await;
    let found = expect(&world, &site.url("/"), &[], 1, &["uneven"]);
    assert!(found.saw("balancer").contains("2 times not: 200 OK \"Nobody's\""), "{}", found.report);
}
