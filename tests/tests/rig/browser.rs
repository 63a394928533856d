//! Chromium through ChromeDriver.

use passquorum_tests::rig::browser::{Browser, Scripts, Viewport};

use crate::page;

#[tokio::test]
async fn a_form_is_filled_in_by_label_and_sent_and_no_process_is_left() {
    let (address, pictures) = (page::serve().await, tempfile::tempdir().unwrap());
    let browser = Browser::start(pictures.path(), Viewport::Desktop, Scripts::Allowed).await.unwrap();
    browser.open(&format!("http://{address}/")).await.unwrap();
    assert_eq!(browser.title().await.unwrap(), "A form");
    browser.wait_for_text("a script ran").await.unwrap();
    browser.fill("Your user's name", "alice").await.unwrap();
    browser.fill("account", "bob").await.unwrap();
    browser.fill("Plan", "x y").await.unwrap();
    browser.choose("Pet", "Dog").await.unwrap();
    browser.submit().await.unwrap();
    browser.wait_for_text("account=bob&pet=d&plan=x+y").await.unwrap();
    assert!(browser.url().await.unwrap().ends_with("/answer"));
    assert_eq!(browser.cookies().await.unwrap()[0]["name"], "step");
    assert_eq!(browser.execute("return 6 * 7").await.unwrap(), 42);
    browser.stop().await.unwrap();
}

#[tokio::test]
async fn on_a_phone_without_scripts_the_page_is_narrow_and_no_script_runs() {
    let (address, pictures) = (page::serve().await, tempfile::tempdir().unwrap());
    let browser = Browser::start(pictures.path(), Viewport::Phone, Scripts::Blocked).await.unwrap();
    browser.open(&format!("http://{address}/")).await.unwrap();
    browser.wait_for_text("no script ran").await.unwrap();
    let picture = std::fs::read(browser.screenshot("form").await.unwrap()).unwrap();
    // A PNG holds its width, big-endian, at offset 16.
    assert_eq!(picture[16..20], 390_u32.to_be_bytes());
    browser.press("Go on").await.unwrap();
    browser.wait_for_text("You sent").await.unwrap();
    browser.stop().await.unwrap();
}
