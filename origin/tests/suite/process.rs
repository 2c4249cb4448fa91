//! The process: starting together with others, stopping gracefully, large files in little memory.

use std::time::{Duration, Instant};

use crate::support::{Database, Origin, field, problem};
use serde_json::{Value, json};

#[tokio::test]
async fn many_processes_start_on_one_new_file() {
    let database = Database::new();
    let origins = futures_util::future::join_all((0..6).map(|_| Origin::start(&database))).await;
    let writes = origins
        .iter()
        .flat_map(|origin| (0..10).map(|_| origin.make_profile("Ada")));
    let mut ids: Vec<i64> = futures_util::future::join_all(writes)
        .await
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=60).collect::<Vec<i64>>());
    for origin in &origins {
        assert_eq!(
            field(&origin.get("/profiles/1").await, "proxima-position"),
            "0:60"
        );
    }
}

#[tokio::test]
async fn a_stop_signal_ends_feeds_and_finishes_requests() {
    let database = Database::new();
    let mut origin = Origin::start(&database).await;
    origin.make_profile("Ada").await;
    let mut feed = origin.feed("after=0:1").await;
    feed.line().await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let upload = origin
        .request("PUT", "/profiles/1/resume")
        .body(reqwest::Body::wrap_stream(body))
        .send();
    let upload = tokio::spawn(upload);
    sender.send(Ok(b"first ".to_vec())).await.unwrap();
    sender.send(Ok(b"second ".to_vec())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    origin.terminate();
    while feed.line().await.is_some() {}
    sender.send(Ok(b"third".to_vec())).await.unwrap();
    drop(sender);
    let answer: Value = upload.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["resume"]["size"], 18);
    assert!(origin.wait().await.success());
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_stopping() {
    let database = Database::new();
    let mut origin = Origin::start(&database).await;
    origin.get("/healthz").await.text().await.unwrap();
    let start = Instant::now();
    origin.terminate();
    assert!(origin.wait().await.success());
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// Highest resident size so far, in KiB.
fn resident_kib_max(origin: &Origin) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", origin.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_large_resume_takes_little_memory() {
    const CHUNK: usize = 1 << 20;
    const CHUNKS: u8 = 20;
    let database = Database::new();
    let origin = Origin::start(&database).await;
    origin.make_profile("Ada").await;
    let before = resident_kib_max(&origin);
    let chunks = (0..CHUNKS).map(|i| Ok::<_, std::io::Error>(vec![i; CHUNK]));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let request = origin
        .request("PUT", "/profiles/1/resume")
        .header("content-type", "application/pdf");
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(field(&answer, "proxima-position"), "0:2");
    assert_eq!(field(&answer, "surrogate-key"), "profile:1 profiles");
    let profile: Value = answer.json().await.unwrap();
    assert_eq!(profile["resume"]["size"], usize::from(CHUNKS) * CHUNK);
    assert_eq!(profile["version"], 2);

    let answer = origin.get("/profiles/1/resume").await;
    assert_eq!(field(&answer, "content-type"), "application/pdf");
    assert_eq!(field(&answer, "surrogate-key"), "profile:1");
    assert_eq!(
        field(&answer, "etag"),
        format!("\"{}\"", profile["resume"]["sha256"].as_str().unwrap())
    );
    let bytes = answer.bytes().await.unwrap();
    assert!(
        bytes
            .chunks(CHUNK)
            .zip(0..CHUNKS)
            .all(|(chunk, i)| chunk == vec![i; CHUNK])
    );
    assert_eq!(bytes.len(), usize::from(CHUNKS) * CHUNK);
    let grown = resident_kib_max(&origin) - before;
    assert!(grown < 12 << 10, "grew by {grown} KiB");
}

#[tokio::test]
async fn a_resume_is_replaced_and_removed_with_its_profile() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    let put = async |body: &'static str, condition: (&str, &str)| {
        let request = origin
            .request("PUT", "/profiles/1/resume")
            .header(condition.0, condition.1);
        request.body(body).send().await.unwrap()
    };
    problem(put("x", ("a", "b")).await, 404).await;
    origin.make_profile("Ada").await;
    problem(origin.get("/profiles/1/resume").await, 404).await;
    assert_eq!(put("one", ("if-none-match", "*")).await.status(), 201);
    problem(put("two", ("if-none-match", "*")).await, 412).await;
    let etag = field(&origin.get("/profiles/1/resume").await, "etag").to_owned();
    // SHA-256 of "one".
    assert_eq!(
        etag,
        "\"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed\""
    );
    let unchanged = origin
        .request("GET", "/profiles/1/resume")
        .header("if-none-match", &etag)
        .send()
        .await;
    assert_eq!(unchanged.unwrap().status(), 304);
    assert_eq!(put("two", ("if-match", &etag)).await.status(), 200);
    assert_eq!(
        origin.get("/profiles/1/resume").await.text().await.unwrap(),
        "two"
    );
    let kept = origin
        .send("PUT", "/profiles/1", &json!({"name": "Ada L."}))
        .await;
    assert_eq!(kept.json::<Value>().await.unwrap()["resume"]["size"], 3);

    let vault = database.file().with_file_name("origin.sqlite-resumes");
    assert_eq!(std::fs::read_dir(&vault).unwrap().count(), 1);
    assert_eq!(
        origin
            .request("DELETE", "/profiles/1")
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(std::fs::read_dir(&vault).unwrap().count(), 0);
    problem(origin.get("/profiles/1/resume").await, 404).await;
}
