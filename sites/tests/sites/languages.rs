//! In which language a visitor reads the pages, and that it is the same one on every page, in every message and in mail.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::browser::*;
use crate::fakes::*;
use crate::notify::{mails, with_mail};
use crate::perimeter::Wire;
use crate::staff::sign_in;
use axum::body::Body;
use http::{StatusCode, header};
use passquorum_domain::mail::Notices;

const HOME: &str = "/self-service/";

/// A page as a browser that likes these languages gets it.
async fn accepting(browser: &mut Browser, path: &str, accepted: &str) -> Page {
    let request = browser.request("GET", path).header(header::ACCEPT_LANGUAGE, accepted);
    browser.send(request.body(Body::empty()).unwrap()).await
}

fn language(page: &Page) -> (&str, &str) {
    let told = page.headers.get(header::CONTENT_LANGUAGE).unwrap().to_str().unwrap();
    let direction = if page.html.contains(&format!("<html lang=\"{told}\" dir=\"rtl\">")) {
        "rtl"
    } else {
        assert!(page.html.contains(&format!("<html lang=\"{told}\" dir=\"ltr\">")), "{}", page.html);
        "ltr"
    };
    (told, direction)
}

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_likes_best_of_those_there_are() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    for (accepted, expected) in [
        ("de-AT, en;q=0.5", ("de", "ltr")),
        ("ar", ("ar", "rtl")),
        ("fr, ar-EG;q=0.4, en;q=0.3", ("ar", "rtl")),
        ("en;q=0.1, de;q=0.2", ("de", "ltr")),
        ("fr", ("en", "ltr")),
        ("", ("en", "ltr")),
    ] {
        let page = accepting(&mut browser, HOME, accepted).await;
        assert_eq!(language(&page), expected, "{accepted:?}");
        let vary = page.headers.get(header::VARY).unwrap().to_str().unwrap();
        assert!(vary.contains("Accept-Language") && vary.contains("Cookie"), "{vary}");
    }
    // What a new realm begins with is known in every language.
    let page = accepting(&mut browser, HOME, "de").await;
    assert!(page.html.contains("Mein Kennwort vergessen") && !page.html.contains("Forgot"), "{}", page.html);
    let page = browser.get(HOME).await;
    assert_eq!((language(&page), page.heading()), (("en", "ltr"), "What would you like to do?"));
}

#[tokio::test]
async fn no_header_breaks_a_page_or_gets_into_it() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    let long = "x-".repeat(4000);
    let many = "de;q=0,".repeat(1000);
    for hostile in [
        ";q=,;;;,,q=1,*;q=9",
        "de;q=NaN, en;q=-1",
        "<script>, \"><img>",
        "../../etc/passwd",
        "en-\u{7f}",
        "*",
        &long,
        &many,
    ] {
        let request = browser.request("GET", HOME).header(header::ACCEPT_LANGUAGE, hostile.as_bytes());
        let Ok(request) = request.body(Body::empty()) else { continue };
        let page = browser.send(request).await;
        assert_eq!((page.status, language(&page)), (StatusCode::OK, ("en", "ltr")), "{hostile}");
        assert!(!page.html.contains("<img>"), "{hostile}");
    }
}

#[tokio::test]
async fn what_a_visitor_chooses_goes_before_what_the_browser_says_and_is_kept() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    let page = accepting(&mut browser, "/self-service/?lang=ar", "de").await;
    assert_eq!(language(&page), ("ar", "rtl"));
    let mut cookies = page.headers.get_all(header::SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
    let kept = cookies.find(|cookie| cookie.starts_with("__Host-pq-language=ar;")).unwrap();
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(kept.contains(part), "{kept}");
    }
    assert_eq!(language(&accepting(&mut browser, HOME, "de").await), ("ar", "rtl"));
    // What there is no catalogue for is as if nothing had been chosen, and nothing is kept.
    for unknown in ["xx", "fr", "..%2f", "%3Cscript%3E", "", "de;q=1"] {
        let mut browser = Browser::new(world.node("n1"));
        let page = accepting(&mut browser, &format!("/self-service/?lang={unknown}"), "de").await;
        assert_eq!(language(&page), ("de", "ltr"), "{unknown}");
        assert!(!browser.cookies.contains_key("__Host-pq-language"), "{unknown}");
    }
    browser.cookies.insert("__Host-pq-language".to_owned(), "\u{22}xx<".to_owned());
    assert_eq!(language(&accepting(&mut browser, HOME, "de").await), ("de", "ltr"));
}

#[tokio::test]
async fn each_page_leads_to_itself_in_the_other_languages_and_keeps_what_it_was_told() {
    let world = World::new();
    let mut browser = Browser::new(world.node("n1"));
    let page = browser.get("/logon/?dc=dc1.example").await;
    for (link, name) in
        [("?dc=dc1.example&#38;lang=de", "Deutsch"), ("?dc=dc1.example&#38;lang=ar", "العربية")]
    {
        assert!(page.html.contains(&format!("href=\"{link}\"")) && page.html.contains(name), "{}", page.html);
    }
    let page = browser.get("//evil.example/x").await;
    assert!(page.html.contains("href=\"?lang=de\"") && !page.html.contains("evil"), "{}", page.html);
}

#[tokio::test]
async fn messages_failures_and_mail_are_in_the_language_of_the_page() {
    let world = World::new();
    with_mail(&world, Notices { user: true, administrators: false });
    register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    for node in [world.node("n1"), world.perimeter(Wire::to(&world))] {
        let mut browser = Browser::new(node);
        browser.get("/self-service/?lang=de").await;
        let page = browser.post("/self-service/start/forgot-password", &[("name", "a\u{1}b")]).await;
        assert!(page.html.contains("Geben Sie Ihren Benutzernamen ein"), "{}", page.html);
        let page = start(&mut browser, "forgot-password", "alice").await;
        assert_eq!(page.heading(), "Beantworten Sie Ihre Sicherheitsfragen");
        let wrong = ANSWERS.map(|(field, _)| (field, "falsch!"));
        let page = browser.post(STEP, &wrong).await;
        assert!(page.html.contains("Wir konnten Sie mit diesen Antworten nicht bestätigen. Sie haben noch"));
        browser.post(STEP, &ANSWERS).await;
        // The language of the page at the time counts, not the one of its beginning.
        browser.get("/self-service/step?lang=ar").await;
        let page = browser.post(STEP, &[("new", "kurz"), ("confirm", "anders")]).await;
        assert!(page.html.contains("كلمتا المرور الجديدتان غير متطابقتين."), "{}", page.html);
        let page = browser.post(STEP, &[("new", "Correct-Horse-7"), ("confirm", "Correct-Horse-7")]).await;
        assert_eq!(page.heading(), "تم تغيير كلمة المرور", "{}", page.html);
        let page = browser.get("/self-service/nowhere?lang=de").await;
        assert_eq!(page.heading(), "Seite nicht gefunden");
        world.directory.edit("alice", |user| user.password = "Alice-0ld-Secret".to_owned());
    }
    let languages: Vec<String> = mails(&world).into_iter().map(|(_, language, _)| language).collect();
    assert_eq!(languages, ["ar", "ar", "en"]);
}

#[tokio::test]
async fn operators_read_the_helpdesk_in_their_language_and_administrators_read_english() {
    let world = World::new();
    let mut hilda = Browser::new(world.node("n1"));
    hilda.get("/helpdesk/sign-in?lang=de").await;
    sign_in(&mut hilda, "helpdesk", "hilda", "Hilda-0ld-Secret").await;
    let page = hilda.get("/helpdesk/").await;
    assert_eq!((language(&page), page.heading()), (("de", "ltr"), "Benutzer suchen"));
    let page = hilda.submit("/helpdesk/find", &[("name", "nobody-at-all")]).await;
    assert!(page.html.contains("Kein Benutzer, dem Sie helfen dürfen"), "{}", page.html);
    let page = hilda.submit("/helpdesk/find", &[("name", "alice")]).await;
    assert!(page.html.contains("Nicht registriert") && page.html.contains("Nicht gesperrt"), "{}", page.html);
    // What was posted cannot be had by GET.
    assert!(page.html.contains("href=\"/helpdesk/?lang=ar\""), "{}", page.html);
    let page = accepting(&mut Browser::new(world.node("n1")), "/admin/sign-in?lang=de", "ar").await;
    assert_eq!((language(&page), page.heading()), (("en", "ltr"), "Sign in"));
    assert!(!page.html.contains("?lang="), "{}", page.html);
}
