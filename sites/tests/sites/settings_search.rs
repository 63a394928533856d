//! The search for settings on the Admin site.

use crate::fakes::{CONNECTION, POLICY, World};
use crate::staff::administrator;

#[tokio::test]
async fn a_setting_is_found_by_its_name_and_by_what_is_said_of_it() {
    let world = World::raised();
    let mut browser = administrator(&world).await;
    let policy = format!("/admin/policies/{POLICY}");
    for (query, link) in [
        ("certificate", "/admin/general#f-general-certificate-life".to_owned()),
        ("90+days", "/admin/general#f-general-certificate-life".to_owned()),
        ("LOCK+lasts", format!("{policy}#f-lockout-duration")),
        ("alias", format!("/admin/connections/{CONNECTION}#f-alias")),
        ("sender", "/admin/mail#f-general-mail-sender".to_owned()),
        ("must_change", format!("{policy}#f-helpdesk-must-change")),
        ("another+change", format!("{policy}/workflows/{}#f-a-1-must-change", uuid::Uuid::from_u128(101))),
    ] {
        let page = browser.get(&format!("/admin/search?q={query}")).await;
        assert!(page.html.contains(&format!("href=\"{link}\"")), "{query}: {link} in {}", page.html);
        let (path, field) = link.split_once('#').unwrap();
        let target = browser.get(path).await;
        assert!(target.html.contains(&format!(" id=\"{field}\"")), "{link} leads nowhere");
    }
    let named = browser.get("/admin/search?q=certificate").await;
    let place = |text: &str| named.html.find(text).unwrap();
    assert!(place("certificate-life") < named.html.find("authorities").unwrap_or(usize::MAX), "names first");
}

#[tokio::test]
async fn what_is_entered_is_not_searched_and_what_is_typed_is_not_markup() {
    let world = World::raised();
    let mut browser = administrator(&world).await;
    let page = browser.get("/admin/search?q=Example+Works").await;
    assert!(page.html.contains("No setting says “Example Works”."), "{}", page.html);
    let page = browser.get("/admin/search?q=%3Cscript%3E").await;
    assert!(page.html.contains("&#60;script&#62;") && !page.html.contains("<script>"));
    assert!(browser.get("/admin/search").await.html.contains("Type a word"));
}
