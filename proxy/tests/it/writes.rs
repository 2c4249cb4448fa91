//! Writes: forwarded, streamed, and what they make doubtful.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use proxima_local::{Scripted, World, answer};
use serde_json::{Value, json};

use crate::reads::{cache_status, small, url};

const MIB: usize = 1 << 20;
/// How much a proxy may grow while 200 MiB pass through it.
const GROWTH_BYTES_MAX: u64 = 32 << 20;

#[tokio::test]
async fn a_write_is_seen_by_the_next_read() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let url = url(&world, "/profiles/7");
    let client = world.client();
    for round in 0..20 {
        client.get(&url).send().await.unwrap();
        let name = format!("Name {round}");
        let written = client
            .patch(&url)
            .json(&json!({"name": name}))
            .send()
            .await
            .unwrap();
        assert_eq!(written.status(), 200);
        assert_eq!(cache_status(&written), "Proxima-us-west; fwd=method");
        let read: Value = client.get(&url).send().await.unwrap().json().await.unwrap();
        assert_eq!(read["name"], name);
    }
}

#[tokio::test]
async fn creating_and_deleting_show_in_lists_and_in_the_object() {
    let world = World::builder()
        .regions(&["us-west"])
        .seed(20, 20)
        .start()
        .await
        .unwrap();
    let client = world.client();
    let list = url(&world, "/jobs?limit=5");
    let count = async || {
        let whole: Value = client
            .get(url(&world, "/jobs?limit=100"))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        whole["items"].as_array().unwrap().len()
    };
    client.get(&list).send().await.unwrap();
    assert!(cache_status(&client.get(&list).send().await.unwrap()).contains("hit"));
    let before = count().await;
    let created = client
        .post(url(&world, "/jobs"))
        .json(&json!({"title": "Cache Keeper"}))
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    let listed = cache_status(&client.get(&list).send().await.unwrap());
    assert!(listed.starts_with("Proxima-us-west; fwd=stale; "), "{listed}");
    assert_eq!(count().await, before + 1);
    let object = url(&world, &location);
    assert_eq!(client.get(&object).send().await.unwrap().status(), 200);
    assert_eq!(client.delete(&object).send().await.unwrap().status(), 204);
    assert_eq!(client.get(&object).send().await.unwrap().status(), 404);
    assert!(
        cache_status(&client.get(&object).send().await.unwrap()).contains("hit"),
        "404s are cached"
    );
    let put = client
        .put(&object)
        .json(&json!({"title": "Back again"}))
        .send()
        .await
        .unwrap();
    assert!(put.status().is_success());
    assert_eq!(
        client.get(&object).send().await.unwrap().status(),
        200,
        "creating it ends the negative answer"
    );
}

#[tokio::test]
async fn an_origin_without_the_contract_is_invalidated_by_url_and_location() {
    let origin = Scripted::start(|asked| match asked.what() {
        "POST /a" => answer(
            "200 OK",
            &[("content-location", "/b"), ("location", "/c?x=1")],
            "",
        ),
        "POST /failing" => answer("500 Internal Server Error", &[("location", "/d")], ""),
        _ => answer(
            "200 OK",
            &[("cache-control", "max-age=60")],
            &asked.number.to_string(),
        ),
    })
    .await;
    let world = small(&origin).await;
    let client = world.client();
    let hit =
        async |path: &str| cache_status(&client.get(url(&world, path)).send().await.unwrap()).contains("hit");
    for path in ["/a", "/b", "/c?x=1", "/d"] {
        assert!(!hit(path).await);
        assert!(hit(path).await, "{path}");
    }
    client.post(url(&world, "/a")).send().await.unwrap();
    client.post(url(&world, "/failing")).send().await.unwrap();
    for (path, still) in [("/a", false), ("/b", false), ("/c?x=1", false), ("/d", true)] {
        assert_eq!(hit(path).await, still, "{path}");
    }
}

#[tokio::test]
async fn answers_to_writes_are_the_origins_own() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let client = world.client();
    let bad = client
        .post(url(&world, "/jobs"))
        .json(&json!({"nonsense": 1}))
        .send()
        .await
        .unwrap();
    assert_eq!(bad.status(), 400);
    assert_eq!(bad.headers()["content-type"], "application/problem+json");
    let stale = client
        .patch(url(&world, "/jobs/1"))
        .header("if-match", "\"0\"")
        .json(&json!({"title": "x"}));
    assert_eq!(stale.send().await.unwrap().status(), 412);
    let options = client
        .request(http::Method::OPTIONS, url(&world, "/jobs"))
        .send()
        .await
        .unwrap();
    assert!(cache_status(&options).contains("fwd=method"));
}

#[tokio::test]
async fn two_hundred_mebibytes_stream_through_in_either_direction_and_protocol() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let proxy = world.region("us-west").proxy();
    for client in [world.client(), world.client_h1()] {
        client.get(url(&world, "/profiles/1")).send().await.unwrap();
        let before = proxy.rss_bytes().unwrap();
        let piece = Bytes::from(vec![7_u8; MIB]);
        let pieces = stream::iter((0..200).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
        let upload = client
            .put(url(&world, "/profiles/1/resume"))
            .header("content-type", "application/pdf");
        let watch = Watch::start(&world);
        let written = upload
            .body(reqwest::Body::wrap_stream(pieces))
            .send()
            .await
            .unwrap();
        assert!(written.status().is_success(), "{}", written.status());
        let mut download = client
            .get(url(&world, "/profiles/1/resume"))
            .send()
            .await
            .unwrap();
        let head = format!("{download:?}");
        let mut bytes = 0;
        while let Some(chunk) = download.chunk().await.unwrap() {
            bytes += chunk.len();
        }
        assert_eq!(bytes, 200 * MIB, "{head}");
        let grown = watch.highest().saturating_sub(before);
        assert!(grown < GROWTH_BYTES_MAX, "the proxy grew by {} MiB", grown >> 20);
    }
}

/// The highest resident memory of the proxy, sampled until it is asked for.
struct Watch {
    highest: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Watch {
    fn start(world: &World) -> Self {
        let proxy = world.region("us-west").proxy();
        let highest = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&highest);
        let task = tokio::spawn(async move {
            loop {
                seen.fetch_max(proxy.rss_bytes().unwrap(), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Self { highest, task }
    }

    fn highest(self) -> u64 {
        self.task.abort();
        self.highest.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn curl_waits_for_100_continue_and_gets_it() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let file = world.dir().join("upload.bin");
    std::fs::write(&file, vec![1; 3 * MIB]).unwrap();
    let mut curl = Command::new("curl");
    curl.args([
        "-s",
        "--http1.1",
        "-H",
        "expect: 100-continue",
        "-H",
        "content-type: application/pdf",
    ]);
    curl.args(["-o", "/dev/null", "-w", "%{http_code}", "-T"])
        .arg(&file)
        .arg("--cacert")
        .arg(world.ca().cert_path());
    let out = tokio::task::spawn_blocking({
        let url = url(&world, "/profiles/2/resume");
        move || curl.arg(url).output().unwrap()
    });
    assert_eq!(String::from_utf8(out.await.unwrap().stdout).unwrap(), "201");
}

#[tokio::test]
async fn an_upload_whose_end_comes_alone_ends_once_for_the_origin() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    // tells every byte that came on the connection of the upload
    let seen = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let mut answered = false;
            while let Ok(Ok(1..)) =
                tokio::time::timeout(Duration::from_millis(700), socket.read_buf(&mut bytes)).await
            {
                if !answered && bytes.ends_with(b"0\r\n\r\n") {
                    answered = true;
                    socket
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                        .await
                        .unwrap();
                }
            }
            if bytes.starts_with(b"PUT") {
                return bytes;
            }
        }
    });
    let world = World::builder()
        .regions(&["us-west"])
        .memcached_per_region(0)
        .external_origin(origin);
    let world = world
        .routes(crate::OBEY)
        .config("upstream.health.interval = '1h'")
        .start()
        .await
        .unwrap();
    // HTTP/2 sends this end as an empty frame of its own
    let pieces = stream::unfold(0, |n| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (n < 2).then_some((Ok::<_, std::io::Error>("piece"), n + 1))
    });
    let upload = world
        .client()
        .put(url(&world, "/x"))
        .body(reqwest::Body::wrap_stream(pieces));
    assert_eq!(upload.send().await.unwrap().status(), 200);
    let bytes = String::from_utf8(seen.await.unwrap()).unwrap();
    let (_, body) = bytes.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n");
}
