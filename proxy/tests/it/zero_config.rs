//! `proxima run --upstream … --listen …`: an origin that nobody has told us anything about.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::reads::cache_status;
use proxima_local::{Scripted, answer};

/// A client for plain HTTP.
pub(crate) fn client() -> reqwest::Client {
    // reqwest asks for a TLS provider even where no TLS is spoken; another test may have installed it
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A proxy without a file; it dies with the test.
pub(crate) struct Bare {
    child: Child,
    pub(crate) url: String,
    /// Empty without an admin listener.
    pub(crate) admin_url: String,
}

impl Bare {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proxima"));
        command
            .arg("run")
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let mut parts = line.trim().split(", ");
        let url = parts.find(|part| part.starts_with("http://"));
        let url = url.unwrap_or_else(|| panic!("no ready line: {line}")).to_owned();
        let admin = parts.find_map(|part| part.strip_prefix("admin "));
        let admin_url = admin.unwrap_or_default().to_owned();
        Self {
            child,
            url,
            admin_url,
        }
    }

    pub(crate) fn hang_up(&self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP).unwrap();
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn an_unknown_origin_is_obeyed() {
    let origin = Scripted::start(|asked| match asked.what() {
        "GET /cached" => answer(
            "200 OK",
            &[("cache-control", "max-age=60")],
            &asked.number.to_string(),
        ),
        "GET /redirect" => answer("302 Found", &[("location", "/cached")], ""),
        "GET /host" => answer("200 OK", &[], asked.field("host")),
        "POST /echo" => answer("201 Created", &[], "made"),
        _ => answer("200 OK", &[], &asked.number.to_string()),
    })
    .await;
    let proxy = Bare::start(&["--upstream", &origin.url(), "--listen", "127.0.0.1:0"]);
    let client = client();
    let get = async |path: &str| client.get(format!("{}{path}", proxy.url)).send().await.unwrap();
    assert_eq!(
        cache_status(&get("/cached").await),
        "Proxima-local; fwd=uri-miss; stored"
    );
    assert!(cache_status(&get("/cached").await).contains("hit; ttl="));
    for _ in 0..2 {
        assert_eq!(
            cache_status(&get("/uncached").await),
            "Proxima-local; fwd=uri-miss"
        );
    }
    let redirect = get("/redirect").await;
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (302, &"/cached".parse().unwrap())
    );
    assert_eq!(
        get("/host").await.text().await.unwrap(),
        proxy.url.strip_prefix("http://").unwrap()
    );
    let made = client
        .post(format!("{}/echo", proxy.url))
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (made.status().as_u16(), made.text().await.unwrap().as_str()),
        (201, "made")
    );
}

#[tokio::test]
async fn an_origin_that_is_not_there_is_a_502() {
    let proxy = Bare::start(&["--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"]);
    let started = std::time::Instant::now();
    let answer = client().get(&proxy.url).send().await.unwrap();
    assert_eq!(answer.status(), 502);
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["detail"], "origin http://127.0.0.1:1: connection refused");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_name_with_an_address_that_refuses_is_no_hindrance() {
    // the scripted origin listens on 127.0.0.1 only; `localhost` is ::1 as well
    let origin = Scripted::start(|_| answer("200 OK", &[], "hello")).await;
    let upstream = origin.url().replace("127.0.0.1", "localhost");
    let proxy = Bare::start(&["--upstream", &upstream, "--listen", "127.0.0.1:0"]);
    let resolved = std::time::Instant::now();
    while client().get(&proxy.url).send().await.unwrap().status() != 200 {
        assert!(
            resolved.elapsed() < Duration::from_secs(5),
            "the name does not resolve"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..10 {
        assert_eq!(client().get(&proxy.url).send().await.unwrap().status(), 200);
        assert_eq!(
            client().post(&proxy.url).body("x").send().await.unwrap().status(),
            200
        );
    }
}

#[tokio::test]
async fn a_hangup_does_not_end_a_proxy_without_certificates() {
    let origin = Scripted::start(|_| answer("200 OK", &[], "hello")).await;
    let proxy = Bare::start(&["--upstream", &origin.url(), "--listen", "127.0.0.1:0"]);
    proxy.hang_up();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(client().get(&proxy.url).send().await.unwrap().status(), 200);
}
