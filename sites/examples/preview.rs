//! Serves the sites over faked ports on loopback, to look at the pages while they are made:
//! `cargo run -p passquorum-sites --example preview -- 8089`, then open `http://localhost:8089/`.
//! Accounts are in `tests/sites/fakes.rs`; `alice` has the password `Alice-0ld-Secret`.

#[path = "../tests/sites/fakes.rs"]
#[expect(dead_code, unused_imports, reason = "the preview uses a part of what the tests need")]
mod fakes;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8089);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, fakes::World::new().node("preview")).await
}
