//! An origin as its users meet it: a process, a database file, a socket.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_proxima-origin");
/// No step of a test takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A directory with a database that origins may share.
pub(crate) struct Database {
    directory: TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("origin.sqlite")
    }

    pub(crate) async fn seed(&self, profiles: u32, jobs: u32, seed: u64) -> String {
        let output = Command::new(BINARY)
            .arg("seed")
            .arg("--db")
            .arg(self.file())
            .args(["--profiles", &profiles.to_string(), "--jobs", &jobs.to_string()])
            .args(["--seed", &seed.to_string()])
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A running origin.
pub(crate) struct Origin {
    pub(crate) url: String,
    pub(crate) client: Client,
    child: Child,
}

impl Origin {
    pub(crate) async fn start(database: &Database) -> Self {
        Self::start_with(database, &[]).await
    }

    pub(crate) async fn start_with(database: &Database, arguments: &[&str]) -> Self {
        Self::start_on(&database.file(), arguments).await
    }

    async fn start_on(file: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0", "--region", "test-1", "--db"])
            .arg(file)
            .args(arguments)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        // The workspace's client has TLS without a provider and will not be built without one. Installing it
        // a second time fails, and is of no account.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            url,
            client: Client::builder().no_proxy().build().unwrap(),
            child,
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client
            .request(method, format!("{}{path}", self.url))
            .timeout(PATIENCE)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await.unwrap()
    }

    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    /// Makes a profile and answers its id and position.
    pub(crate) async fn make_profile(&self, name: &str) -> (i64, String) {
        let response = self
            .send("POST", "/profiles", &serde_json::json!({ "name": name }))
            .await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let position = field(&response, "proxima-position").to_owned();
        (
            response.json::<Value>().await.unwrap()["id"].as_i64().unwrap(),
            position,
        )
    }

    pub(crate) async fn feed(&self, query: &str) -> Feed {
        let response = self
            .client
            .get(format!("{}/_proxima/feed?{query}", self.url))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(field(&response, "content-type"), "application/x-ndjson");
        Feed {
            response,
            received: String::new(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn terminate(&self) {
        let status = std::process::Command::new("kill")
            .arg(self.pid().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) async fn wait(&mut self) -> std::process::ExitStatus {
        timeout(PATIENCE, self.child.wait())
            .await
            .expect("the origin stops when told")
            .unwrap()
    }
}

/// An open feed.
pub(crate) struct Feed {
    response: Response,
    received: String,
}

impl Feed {
    /// The next line; `None` when the feed has ended.
    pub(crate) async fn line(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.received.split_once('\n') {
                let line = serde_json::from_str(line).unwrap();
                self.received = rest.to_owned();
                return Some(line);
            }
            let chunk = timeout(PATIENCE, self.response.chunk())
                .await
                .expect("a heartbeat at least")
                .ok()??;
            self.received.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next line that is not a heartbeat.
    pub(crate) async fn change(&mut self) -> Value {
        loop {
            let line = self.line().await.expect("the feed goes on");
            if line["tags"] != serde_json::json!([]) || line.get("snapshot").is_some() {
                return line;
            }
        }
    }
}

pub(crate) fn field<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value
        .unwrap_or_else(|| panic!("no {name} in {:?}", response.headers()))
        .to_str()
        .unwrap()
}

/// The log part of a position.
pub(crate) fn log(position: &str) -> i64 {
    position.strip_prefix("0:").unwrap().parse().unwrap()
}

/// Checks a problem answer and gives its body.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    assert_eq!(response.status().as_u16(), status, "{:?}", response.headers());
    assert_eq!(field(&response, "content-type"), "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    for member in ["type", "title", "detail"] {
        assert!(body[member].is_string(), "{member} in {body}");
    }
    body
}
