//! Certificates: several by SNI, read again without a restart.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proxima_local::World;

use crate::reads::url;

/// A client to whom `name` is the proxy, on connections of its own.
fn client_for(world: &World, name: &str) -> reqwest::Client {
    let address = world.regions()[0].proxy().https_address();
    let builder = world
        .client_builder()
        .unwrap()
        .resolve(name, SocketAddr::new([127, 0, 0, 1].into(), address.port()));
    builder.pool_max_idle_per_host(0).build().unwrap()
}

pub(crate) async fn ask(world: &World, name: &str) -> reqwest::Result<u16> {
    let port = world.regions()[0].proxy().https_address().port();
    let answer = client_for(world, name)
        .get(format!("https://{name}:{port}/profiles/1"))
        .send()
        .await?;
    Ok(answer.status().as_u16())
}

#[tokio::test]
async fn each_name_gets_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    // the files are written once the world has its authority, and read when the proxy starts again
    let world = World::builder()
        .regions(&["us-west"])
        .dir(dir.path())
        .start()
        .await
        .unwrap();
    let mut certificates = String::new();
    for names in [&["first.example"][..], &["second.example", "*.wild.example"]] {
        let (cert, key) = world.ca().issue(names).unwrap();
        certificates += &format!(
            "[[server.certificate]]\ncert = '{}'\nkey = '{}'\n",
            cert.display(),
            key.display()
        );
    }
    let proxy = world.region("us-west").proxy();
    proxy.write_config(&certificates).unwrap();
    proxy.stop().await.unwrap();
    proxy.restart().await.unwrap();
    for name in ["first.example", "second.example", "a.wild.example"] {
        assert_eq!(ask(&world, name).await.unwrap(), 200, "{name}");
    }
    assert!(
        ask(&world, "other.example").await.is_err(),
        "a name that no certificate has does not verify"
    );
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let (cert, key) = world.region("us-west").certificate();
    let pid = world.region("us-west").proxy().pid();
    assert!(ask(&world, "renewed.example").await.is_err());
    world.ca().issue_to(&["renewed.example"], cert, key).unwrap();
    let renewed = Instant::now();
    while ask(&world, "renewed.example").await.is_err() {
        assert!(
            renewed.elapsed() < Duration::from_secs(5),
            "the new certificate is not used"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    std::fs::write(key, "not a key").unwrap();
    world
        .region("us-west")
        .proxy()
        .signal(nix::sys::signal::Signal::SIGHUP)
        .unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(
        ask(&world, "renewed.example").await.unwrap(),
        200,
        "the last good certificate stays"
    );
    let proxy = world.region("us-west").proxy();
    assert_eq!(proxy.pid(), pid);
    let log = std::fs::read_to_string(proxy.log_path()).unwrap();
    assert!(log.contains("certificates stay as they were"), "{log}");
}

#[tokio::test]
async fn what_is_not_tls_does_not_hold_the_listener_up() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let address = world.regions()[0].proxy().https_address();
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let mut plain = tokio::net::TcpStream::connect(address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(2), plain.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(!said.starts_with(b"HTTP/1.1 200"));
    let answer = world
        .client()
        .get(url(&world, "/profiles/1"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_client_that_never_speaks_http2_is_cut() {
    use std::io::Read as _;
    let world = World::builder()
        .regions(&["us-west"])
        .config("server.header_timeout = '500ms'")
        .start()
        .await
        .unwrap();
    let address = world.regions()[0].proxy().https_address();
    let mut roots = rustls::RootCertStore::empty();
    let pem = <rustls::pki_types::CertificateDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_slice;
    roots.add(pem(world.ca().pem().as_bytes()).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let silent = tokio::task::spawn_blocking(move || {
        let name = "localhost".try_into().unwrap();
        let connection = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
        let socket = std::net::TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, socket);
        let started = Instant::now();
        // it reads the server's settings, if any, and never says a word of its own
        while matches!(stream.read(&mut [0; 1024]), Ok(1..)) {}
        started.elapsed()
    });
    assert!(silent.await.unwrap() < Duration::from_secs(5));
}
