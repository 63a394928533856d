//! A few static pages over HTTP, for the browser to look at and for HAProxy to stand before.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "serves tests, which fail by panicking")]

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const FORM: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>A form</title>\
    <meta name=viewport content='width=device-width'><main><h1>Who are you?</h1>\
    <form action=/answer method=post><label for=user>Your user's name</label><input id=user name=account>\
    <label for=pet>Pet</label><select id=pet name=pet><option value=c>Cat<option value=d>Dog</select>\
    <label>Plan <input name=plan></label><button>Go on</button></form>\
    <p id=script>no script ran</p><script>document.getElementById('script').textContent = 'a script ran'</script>";

/// Serves `/` (a form with a script in it) and `/answer` (what was sent) until the test ends.
pub(crate) async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let request = read_request(&mut stream).await;
                let body = if request.starts_with("POST") {
                    let sent = request.split("\r\n\r\n").nth(1).unwrap_or_default();
                    format!("<!doctype html><title>Answer</title><main>You sent {sent}</main>")
                } else {
                    FORM.to_owned()
                };
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\
                            Set-Cookie: step=1; HttpOnly\r\nConnection: close";
                let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return text,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
        }
    }
}
