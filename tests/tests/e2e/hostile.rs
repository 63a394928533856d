//! What strangers try: on the peers' port, and on every form.

use crate::World;
use crate::visitor::Visitor;
use passquorum_tests::https::{self, Trust};
use reqwest::StatusCode;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Speaks TLS 1.3 to a node's peer port as `identity`, sends bytes, and tells whether the node closed without an answer.
async fn is_refused(world: &World, node: u64, identity: Option<Identity>, bytes: &[u8]) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(world.realm.authority()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let stream = TcpStream::connect(world.realm.peer_address(node)).await.unwrap();
    let name = ServerName::try_from(format!("node-{node}.passquorum")).unwrap();
    let Ok(mut stream) = TlsConnector::from(Arc::new(config)).connect(name, stream).await else {
        return true;
    };
    // The server's verdict on a client certificate comes after the handshake, as an alert on the first read.
    if stream.write_all(bytes).await.is_err() {
        return true;
    }
    let mut answer = Vec::new();
    let read =
        tokio::time::timeout(std::time::Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
    read.expect("the node closes the connection").is_err() || answer.is_empty()
}

fn node_identity(world: &World, node: u64) -> Identity {
    let keys = world.realm.keys(node);
    let chain = CertificateDer::pem_file_iter(keys.join("node.key")).unwrap().map(Result::unwrap).collect();
    (chain, PrivateKeyDer::from_pem_file(keys.join("node.key")).unwrap())
}

fn foreign_identity(world: &World) -> Identity {
    let (certificate, key) = (world.dir.path().join("foreign.pem"), world.dir.path().join("foreign.key"));
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=node-1.passquorum", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    (chain, PrivateKeyDer::from_pem_file(key).unwrap())
}

#[tokio::test]
async fn strangers_on_the_peer_port_are_refused_and_the_node_goes_on() {
    let world = World::start().await;
    let absurd = [0xFF; 64];
    assert!(is_refused(&world, 2, None, &absurd).await, "no certificate");
    assert!(is_refused(&world, 2, Some(foreign_identity(&world)), &absurd).await, "another authority");
    assert!(is_refused(&world, 2, Some(node_identity(&world, 1)), &absurd).await, "a frame of absurd length");
    world.realm.cluster.ready(2).await.unwrap();
    let (status, _) = put(&world, 2, "after", "still here").await;
    assert_eq!(status, StatusCode::OK);
    world.stop().await;
}

async fn put(world: &World, node: u64, key: &str, value: &str) -> (StatusCode, String) {
    let client = https::client(Trust::Anyone).unwrap();
    let url = format!("{}/labels/{key}", world.realm.cluster.node(node).unwrap().api);
    let answer =
        client.put(url).bearer_auth(&world.realm.api_token).body(value.to_owned()).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn bad_input_on_forms_and_in_the_api_gets_a_clear_answer() {
    let world = World::start().await;
    let base = world.base(1);
    let path = "/self-service/start/forgot-password";

    let mut visitor = Visitor::new();
    let status = visitor.identify(&base, "forgot-password", "*)(uid=*").await;
    assert!(
        status.is_success() && visitor.page().contains("Answer your security questions"),
        "{}",
        visitor.page()
    );

    visitor.open(&base, path).await;
    let status = visitor.send(&base, path, &[("name", &"x".repeat(1 << 20))]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(visitor.page().contains("PQ-TOO-LARGE"), "{}", visitor.page());

    let client = https::client(Trust::Anyone).unwrap();
    let form = "application/x-www-form-urlencoded";
    for forms in [path, "/self-service/step", "/admin/sign-in", "/helpdesk/sign-in"] {
        let request = client.post(format!("{base}{forms}")).header("content-type", form);
        let answer = request.body("name=alice&password=x").send().await.unwrap();
        assert!(answer.status().is_client_error(), "{forms} without a token: {}", answer.status());
    }
    let request = client.post(format!("{base}{path}")).header("content-type", form);
    let answer = request.body(&b"name=%FF%FE\xFF"[..]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);

    let (status, problem) = put(&world, 1, "big", &"x".repeat(64 * 1024 + 1)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(problem.contains("PQ-TOO-LARGE"), "{problem}");
    let url = format!("{}/labels/x", world.realm.cluster.node(1).unwrap().api);
    let answer = client.put(url).bearer_auth("pqa1.nobody.nothing").body("x").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    world.stop().await;
}
