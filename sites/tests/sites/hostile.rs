//! Input that no page of ours sends, and what a browser is told to guard against.

use crate::browser::*;
use crate::fakes::*;
use crate::staff::administrator;
use axum::body::Body;
use http::{StatusCode, header};
use uuid::Uuid;

const FORMS: [&str; 6] = [
    "/self-service/start/forgot-password",
    "/self-service/start/unlock-account",
    "/self-service/start/change-password",
    "/self-service/start/register",
    "/self-service/start/manage-profile",
    STEP,
];

#[tokio::test]
async fn every_form_is_refused_without_the_csrf_token_of_its_browser() {
    let world = World::new();
    for path in FORMS {
        let mut browser = Browser::new(world.node("n1"));
        start(&mut browser, "register", "alice").await;
        let mut stranger = Browser::new(world.node("n1"));
        stranger.get("/self-service/start/register").await;
        for csrf in ["", "AAAA", stranger.csrf.as_str()] {
            browser.csrf = csrf.to_owned();
            let page = browser.submit(path, &[("name", "alice"), ("password", "Alice-0ld-Secret")]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            assert!(page.html.contains("PQ-CSRF"));
        }
    }
}

#[tokio::test]
async fn a_field_of_a_megabyte_is_too_large() {
    let world = World::new();
    for path in FORMS {
        let mut browser = Browser::new(world.node("n1"));
        browser.get("/self-service/start/register").await;
        let page = browser.submit(path, &[("name", &"x".repeat(1 << 20))]).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert!(page.html.contains("PQ-TOO-LARGE"));
    }
}

#[tokio::test]
async fn bad_utf8_broken_escapes_and_other_content_are_not_understood() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    browser.get("/self-service/start/register").await;
    for path in FORMS {
        for body in [&b"name=%ff%fe"[..], b"name=\xff", b"name=%zz"] {
            let page = browser.post_raw(path, body.to_vec()).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(page.html.contains("PQ-BAD-INPUT"));
        }
        let request = browser.request("POST", path).header(header::CONTENT_TYPE, "application/json");
        let page = browser.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn strange_names_are_nobodys_or_refused_and_never_reach_a_page_unescaped() {
    let world = World::new();
    for name in ["*)(uid=*", "' OR 1=1 --", "<script>alert(1)</script>", "../../etc/passwd", "EXAMPLE\\*"] {
        let mut browser = Browser::new(world.node("n1"));
        let page = start(&mut browser, "register", name).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        assert!(!page.html.contains("<script>alert"));
        let page = browser.post(STEP, &[("password", "Alice-0ld-Secret")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    for name in ["", "   ", "\\", "a\\b\\c", "a\0b", &"x".repeat(400)] {
        let mut browser = Browser::new(world.node("n1"));
        let page = start(&mut browser, "register", name).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}");
        assert!(page.html.contains("Enter your user name"));
    }
}

#[tokio::test]
async fn a_garbled_cookie_is_no_session() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    start(&mut browser, "register", "alice").await;
    let good = browser.cookies["__Host-pq-progress"].clone();
    for bad in [String::new(), "x".into(), good.replace('A', "B"), good[..good.len() / 2].to_owned()] {
        browser.cookies.insert("__Host-pq-progress".into(), bad);
        assert_eq!(browser.get(STEP).await.status, StatusCode::GONE);
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_get_a_page_of_their_own() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    for path in ["/nothing", "/self-service/nothing", "/self-service/start/nothing", "/static/nothing"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.html.contains("PQ-NOT-FOUND"));
    }
    let page = browser.send(browser.request("PUT", STEP).body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(page.html.contains("PQ-BAD-INPUT"));
}

#[tokio::test]
async fn old_addresses_lead_to_the_new_ones() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    for (old, new) in [
        ("/PMUser", "/logon-old/"),
        ("/pmuser/", "/logon-old/"),
        ("/PMUser/Login.aspx?x=1", "/logon-old/"),
        ("/PMUserADLDS/a/b", "/logon-old/"),
        ("/PMSelfService/entry?lang=en", "/self-service/"),
        ("/PMNEWUSER", "/self-service/"),
        ("/logon", "/logon/"),
        ("/PMUser/?dc=DC1.corp.example", "/logon-old/?dc=dc1.corp.example"),
        ("/PMUser/?dc=a%0d%0aX:y", "/logon-old/"),
        ("/logon?dc=%5C%5CDC1", "/logon/?dc=dc1"),
        ("/PMHelpdesk?dc=dc1", "/helpdesk/"),
        ("/PMHelpdesk", "/helpdesk/"),
        ("/PMAdmin/x/y", "/admin/"),
        ("/", "/self-service/"),
    ] {
        let page = browser.send(browser.request("GET", old).body(Body::empty()).unwrap()).await;
        assert!(page.status.is_redirection(), "{old}");
        assert_eq!(page.headers[header::LOCATION], new, "{old}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_guarding_headers_and_safe_cookies() {
    let world = World::new();
    for path in ["/self-service/", "/self-service/start/register", "/nothing", "/static/passquorum.css"] {
        let mut browser = Browser::new(world.node("n1"));
        let page = browser.get(path).await;
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
        for name in ["strict-transport-security", "x-content-type-options", "referrer-policy", "x-request-id"]
        {
            assert!(page.headers.contains_key(name), "{name} on {path}");
        }
        if path.starts_with("/static") {
            assert!(page.headers.get(header::SET_COOKIE).is_none());
            continue;
        }
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
        let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
        for part in ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(
            !page.html.contains(" style=") && !page.html.contains(" onclick="),
            "the policy forbids inline code"
        );
    }
}

#[tokio::test]
async fn no_browser_cuts_a_new_password_and_one_that_is_too_long_is_told_so() {
    let world = World::new();
    let node = world.node("n1");
    let mut browser = Browser::new(node);
    let page = start(&mut browser, "change-password", "alice").await;
    for field in ["current", "new", "confirm"] {
        let line = page.html.lines().find(|line| line.contains(&format!("id=\"{field}\""))).unwrap();
        assert!(line.contains("type=\"password\"") && !line.contains("maxlength"), "{line}");
    }
    let long = format!("Aa1-{}", "x".repeat(300));
    let page =
        browser.post(STEP, &[("current", "Alice-0ld-Secret"), ("new", &long), ("confirm", &long)]).await;
    assert!(page.html.contains("longer than allowed (256 characters)"), "{}", page.html);
    assert_eq!(world.directory.user("alice").password, "Alice-0ld-Secret");
}

#[tokio::test]
async fn a_form_that_cannot_be_read_is_refused_with_a_page() {
    let world = World::new();
    let mut browser = administrator(&world).await;
    browser.get("/admin/general").await;
    let none = browser.submit("/admin/general", &[]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert!(none.html.contains("PQ-BAD-INPUT"));
    let huge = "x".repeat(1 << 20);
    let page = browser.submit("/admin/general", &[("general.organisation", &huge)]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(browser.get("/admin/policies/nonsense").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&format!("/admin/policies/{}", Uuid::nil())).await.status, StatusCode::NOT_FOUND);
}
