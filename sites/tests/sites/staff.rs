//! What people do on the Admin and Helpdesk sites: sign in, look at a form, change a field, send it.

#![expect(clippy::unwrap_used, reason = "what a test reads must be there")]

use crate::browser::{Browser, Page};
use crate::fakes::{CONNECTION, World};
use axum::body::Body;
use http::header;
use uuid::Uuid;

/// Signs in, and answers with the first answer.
pub(crate) async fn sign_in(browser: &mut Browser, site: &str, name: &str, password: &str) -> Page {
    let path = format!("/{site}/sign-in");
    browser.get(&path).await;
    browser.submit(&path, &[("name", name), ("password", password)]).await
}

/// Somebody signed in on the Admin site.
pub(crate) async fn administrator(world: &World) -> Browser {
    let mut browser = Browser::new(world.node("n1"));
    let page = sign_in(&mut browser, "admin", "root", "Rita-0ld-Secret").await;
    assert_eq!(location(&page), "/admin/", "{}", page.html);
    browser
}

/// Where an answer leads.
pub(crate) fn location(page: &Page) -> &str {
    page.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
}

/// Loads a page without following where it leads.
pub(crate) async fn look(browser: &mut Browser, path: &str) -> Page {
    browser.send(browser.request("GET", path).body(Body::empty()).unwrap()).await
}

/// The path of a route with ids that exist where they can.
pub(crate) fn concrete(path: &str) -> String {
    path.replace("{id}", &CONNECTION.to_string())
        .replace("{question}", &Uuid::nil().to_string())
        .replace("{workflow}", &Uuid::nil().to_string())
}

/// What a browser would send from a page with one edit form: every input's name and value.
pub(crate) fn fields_of(page: &Page) -> Vec<(String, String)> {
    let unescape = |text: &str| {
        let plain = text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<");
        plain.replace("&#62;", ">").replace("&#38;", "&")
    };
    let form = page.html.split("<main").nth(1).unwrap();
    let form = form[..form.find("</form>").unwrap()].to_owned();
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        Some(unescape(rest.split('"').next()?))
    };
    let mut fields = Vec::new();
    for tag in form.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let unticked = tag.contains("type=\"checkbox\"") && !tag.contains(" checked");
        if let (Some(name), false) = (attribute(tag, "name"), unticked) {
            fields.push((name, attribute(tag, "value").unwrap_or_default()));
        }
    }
    for area in form.split("<textarea").skip(1) {
        let (tag, rest) = area.split_once('>').unwrap();
        let value = rest.split("</textarea>").next().unwrap().trim_start_matches('\n');
        fields.push((attribute(tag, "name").unwrap(), unescape(value)));
    }
    for list in form.split("<select").skip(1) {
        let (tag, rest) = list.split_once('>').unwrap();
        let options: Vec<_> = rest.split("</select>").next().unwrap().split("<option").skip(1).collect();
        let chosen = options.iter().find(|option| option.split('>').next().unwrap().contains(" selected"));
        let chosen = chosen.or(options.first()).unwrap();
        fields.push((attribute(tag, "name").unwrap(), attribute(chosen, "value").unwrap()));
    }
    fields.retain(|(name, _)| name != "csrf");
    fields
}

/// Types something into a field.
pub(crate) fn set(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    fields.retain(|(present, _)| present != name);
    fields.push((name.to_owned(), value.to_owned()));
}

/// Sends a form, and again from the page that shows what it would change.
pub(crate) async fn send(browser: &mut Browser, path: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    save(browser, path, &fields).await
}

/// The same for the fields of a small form.
pub(crate) async fn save(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.submit(path, fields).await;
    if !page.html.contains("value=\"confirmed\"") {
        return page;
    }
    let mut again = fields_of(&page);
    set(&mut again, "stage", "confirmed");
    let again: Vec<_> = again.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit(path, &again).await
}
