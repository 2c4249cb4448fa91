//! kill -9 of any one process: reads go on, and writes find another way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proxima_local::{Proxy, Scripted, World, answer};
use serde_json::json;

use crate::OBEY;
use crate::reads::cache_status;

/// Objects that are read over and over.
const KEYS: usize = 50;

/// Clients that read cached objects from the proxies of one region, the way clients with two addresses do: when one
/// address does not answer, the other is tried.
pub(crate) struct Readers {
    stop: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Readers {
    pub(crate) async fn start(world: &World, proxies: Vec<Arc<Proxy>>) -> Self {
        for key in 1..=KEYS {
            for proxy in &proxies {
                read(&world.client(), proxy, key).await.unwrap();
            }
        }
        let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..8).map(|reader| {
            let (client, proxies) = (world.client(), proxies.clone());
            let (stop, reads) = (Arc::clone(&stop), Arc::clone(&reads));
            tokio::spawn(async move {
                let mut errors = Vec::new();
                let mut turn = reader;
                while !stop.load(Ordering::Relaxed) {
                    turn += 1;
                    let key = 1 + turn * 7 % KEYS;
                    let mut answer = read(&client, &proxies[turn % proxies.len()], key).await;
                    if answer.is_err() && proxies.len() > 1 {
                        answer = read(&client, &proxies[(turn + 1) % proxies.len()], key).await;
                    }
                    errors.extend(answer.err());
                    reads.fetch_add(1, Ordering::Relaxed);
                }
                errors
            })
        });
        Self {
            tasks: tasks.collect(),
            stop,
            reads,
        }
    }

    pub(crate) async fn for_a_while(&self) {
        tokio::time::sleep(Duration::from_millis(700)).await;
    }

    pub(crate) async fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        let mut errors = Vec::new();
        for task in self.tasks {
            errors.extend(task.await.unwrap());
        }
        let reads = self.reads.load(Ordering::Relaxed);
        assert!(
            errors.is_empty(),
            "{} of {reads} reads failed, first: {}",
            errors.len(),
            errors[0]
        );
        assert!(reads > 200, "only {reads} reads");
    }
}

async fn read(client: &reqwest::Client, proxy: &Proxy, key: usize) -> Result<(), String> {
    let url = format!("{}/profiles/{key}", proxy.https_url());
    let answer = client
        .get(&url)
        .send()
        .await
        .map_err(|error| format!("{url}: {error:?}"))?;
    let status = answer.status();
    let body = answer
        .bytes()
        .await
        .map_err(|error| format!("{url}: {error:?}"))?;
    if status == 200 && !body.is_empty() {
        Ok(())
    } else {
        Err(format!("{url}: {status}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_node_dies_and_comes_back() {
    let world = World::builder()
        .regions(&["us-west"])
        .config("cache.l1.capacity = '0'")
        .start()
        .await
        .unwrap();
    let readers = Readers::start(&world, world.region("us-west").proxies()).await;
    readers.for_a_while().await;
    world.region("us-west").ring()[0].kill().await.unwrap();
    readers.for_a_while().await;
    world.region("us-west").ring()[0].restart().await.unwrap();
    readers.for_a_while().await;
    readers.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_ring_costs_a_look_up_its_deadline_and_no_more() {
    let world = World::builder()
        .regions(&["us-west"])
        .config("cache.l1.capacity = '0'")
        .start()
        .await
        .unwrap();
    let proxy = world.region("us-west").proxy();
    read(&world.client(), &proxy, 1).await.unwrap();
    for node in world.region("us-west").ring() {
        node.pause().await.unwrap();
    }
    let mut took = Vec::new();
    for key in 1..=10 {
        let started = Instant::now();
        read(&world.client(), &proxy, key).await.unwrap();
        took.push(started.elapsed());
    }
    assert!(
        took.iter().all(|took| *took < Duration::from_millis(700)),
        "{took:?}"
    );
    assert!(
        took[9] < Duration::from_millis(150),
        "nodes that are out are not asked: {took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_dies_and_the_next_nearest_takes_reads_and_writes() {
    let world = World::builder().start().await.unwrap();
    let proxy = world.region("us-west").proxy();
    let readers = Readers::start(&world, vec![Arc::clone(&proxy)]).await;
    readers.for_a_while().await;
    world.region("us-west").origin().kill().await.unwrap();
    let client = world.client();
    for (key, way) in [(1, "PATCH"), (2, "PUT"), (3, "POST")] {
        let (url, body) = match way {
            "POST" => (format!("{}/jobs", proxy.https_url()), json!({"title": "Found"})),
            _ => (
                format!("{}/jobs/{key}", proxy.https_url()),
                json!({"title": "Changed"}),
            ),
        };
        let request = client.request(way.parse().unwrap(), url).json(&body);
        let written = request.send().await.unwrap();
        assert!(written.status().is_success(), "{way}: {}", written.status());
        assert_eq!(
            written.headers()["proxima-origin"],
            "eu-central",
            "us-west's next nearest"
        );
    }
    readers.for_a_while().await;
    let cold = client
        .get(format!("{}/profiles/150", proxy.https_url()))
        .send()
        .await
        .unwrap();
    assert_eq!(cold.headers()["proxima-origin"], "eu-central");
    world.region("us-west").origin().restart().await.unwrap();
    let back = Instant::now();
    for key in 151.. {
        let cold = client
            .get(format!("{}/profiles/{key}", proxy.https_url()))
            .send()
            .await
            .unwrap();
        if cold.headers()["proxima-origin"] == "us-west" {
            break;
        }
        assert!(
            back.elapsed() < Duration::from_secs(5),
            "the origin is back and gets no requests"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    readers.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_proxy_of_two_dies() {
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .start()
        .await
        .unwrap();
    let proxies = world.region("us-west").proxies();
    let readers = Readers::start(&world, proxies.clone()).await;
    readers.for_a_while().await;
    proxies[0].kill().await.unwrap();
    readers.for_a_while().await;
    proxies[0].restart().await.unwrap();
    readers.for_a_while().await;
    readers.finish().await;
}

#[tokio::test]
async fn when_every_origin_is_gone_what_is_stored_is_still_served() {
    let world = World::builder()
        .config("[[route]]\nname = 'profiles'\nttl = '1s'")
        .start()
        .await
        .unwrap();
    let proxy = world.region("us-west").proxy();
    let client = world.client();
    let url = format!("{}/profiles/7", proxy.https_url());
    client.get(&url).send().await.unwrap();
    for region in world.regions() {
        region.origin().kill().await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let stale = client.get(&url).send().await.unwrap();
    assert_eq!(stale.status(), 200);
    let cold = client
        .get(format!("{}/profiles/8", proxy.https_url()))
        .send()
        .await
        .unwrap();
    assert_eq!(cold.status(), 502);
    assert_eq!(cold.headers()["content-type"], "application/problem+json");
    let write = client
        .patch(&url)
        .json(&json!({"name": "x"}))
        .send()
        .await
        .unwrap();
    assert_eq!(write.status(), 502);
    assert_eq!(write.headers()["content-type"], "application/problem+json");
    let ready = reqwest::get(format!("{}/readyz", proxy.admin_url()))
        .await
        .unwrap();
    assert_eq!(ready.status(), 503);
}

#[tokio::test]
async fn an_origin_that_speaks_garbage_is_a_502() {
    let garbage: [&[u8]; 5] = [
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nx",
        b"",
    ];
    for bytes in garbage {
        let origin = Scripted::start(move |_| proxima_local::raw(bytes).close()).await;
        let world = crate::reads::small(&origin).await;
        let url = crate::reads::url(&world, "/");
        for client in [world.client(), world.client_h1()] {
            for request in [client.get(&url), client.post(&url).body("x")] {
                let started = Instant::now();
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 502, "{:?}", String::from_utf8_lossy(bytes));
                assert_eq!(answer.headers()["content-type"], "application/problem+json");
                assert!(started.elapsed() < Duration::from_secs(5));
            }
        }
        assert!(world.region("us-west").proxy().is_running());
    }
}

#[tokio::test]
async fn an_origin_that_breaks_off_gives_half_an_answer_to_nobody_twice() {
    let origin = Scripted::start(|asked| match asked.number {
        0 => proxima_local::raw(
            "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 10\r\n\r\nhalf",
        )
        .close(),
        1 => proxima_local::raw(
            "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        )
        .close(),
        _ => answer("200 OK", &[("cache-control", "max-age=60")], "whole"),
    })
    .await;
    let world = crate::reads::small(&origin).await;
    let url = crate::reads::url(&world, "/");
    for client in [world.client(), world.client_h1()] {
        let broken = async { client.get(&url).send().await?.bytes().await };
        let broken = broken.await;
        assert!(broken.is_err(), "a cut answer must look cut: {broken:?}");
    }
    let whole = world.client().get(&url).send().await.unwrap();
    assert_eq!(whole.text().await.unwrap(), "whole");
}

#[tokio::test]
async fn an_origin_that_hangs_is_given_up_on() {
    let origin = Scripted::start(|_| answer("200 OK", &[], "late").after(Duration::from_secs(30))).await;
    let config = "upstream.read_timeout = '500ms'";
    let world = crate::reads::small_with(&origin, config).await;
    let url = crate::reads::url(&world, "/");
    for request in [world.client().get(&url), world.client().post(&url).body("x")] {
        let started = Instant::now();
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 504);
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn an_unreachable_ring_is_said_once_and_passed_over() {
    let origin = Scripted::start(|_| answer("200 OK", &[("cache-control", "max-age=60")], "hello")).await;
    let world = World::builder()
        .regions(&["us-west"])
        .memcached_per_region(0)
        .external_origin(origin.url());
    let world = world
        .routes(OBEY)
        .config("cache.ring.nodes = ['127.0.0.1:1', 'no.such.name.invalid:2']");
    let world = world.start().await.unwrap();
    let proxy = world.region("us-west").proxy();
    let url = format!("{}/", proxy.https_url());
    world.client().get(&url).send().await.unwrap();
    assert!(cache_status(&world.client().get(&url).send().await.unwrap()).contains("detail=l1"));
    let started = Instant::now();
    while !std::fs::read_to_string(proxy.log_path())
        .unwrap()
        .contains("no.such.name.invalid:2")
    {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "nothing is said of the ring"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_retry_budget_counts_origins_after_the_first() {
    let origin = Scripted::start(|_| answer("200 OK", &[], "hello")).await;
    for (retries, dead, expected) in [(0, 0, 200), (0, 1, 502), (1, 1, 200), (2, 2, 200)] {
        let mut origins = vec!["'http://127.0.0.1:1'".to_owned(); dead];
        (1..dead).for_each(|n| origins[n] = format!("'http://127.0.0.1:{}'", n + 1));
        origins.push(format!("'{}'", origin.url()));
        let config = format!(
            "upstream.max_retries = {retries}\nupstream.health.unhealthy_after = 1000\n[[region]]\nname = 'us-west'\norigins = [{}]",
            origins.join(", ")
        );
        let world = crate::reads::small_with(&origin, &config).await;
        let url = crate::reads::url(&world, "/");
        for request in [world.client().get(&url), world.client().post(&url).body("x")] {
            let status = request.send().await.unwrap().status();
            assert_eq!(status, expected, "{dead} dead origins, {retries} retries");
        }
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_makes_its_url_doubtful() {
    let origin = Scripted::start(|asked| match asked.what() {
        "PUT /x" => proxima_local::raw("").close(),
        _ => answer(
            "200 OK",
            &[("cache-control", "max-age=60")],
            &asked.number.to_string(),
        ),
    })
    .await;
    let world = crate::reads::small(&origin).await;
    let url = crate::reads::url(&world, "/x");
    let read = async || cache_status(&world.client().get(&url).send().await.unwrap());
    read().await;
    assert!(read().await.contains("; hit"));
    assert_eq!(
        world.client().put(&url).body("x").send().await.unwrap().status(),
        502
    );
    assert!(!read().await.contains("; hit"));
}

#[tokio::test]
async fn an_upload_that_stops_coming_is_cut_in_both_protocols() {
    let origin = Scripted::start(|_| answer("200 OK", &[], "hello")).await;
    let world = crate::reads::small_with(&origin, "server.body_timeout = '500ms'").await;
    for client in [world.client(), world.client_h1()] {
        let pieces = futures_util::stream::unfold(0, |n| async move {
            if n > 0 {
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
            Some((Ok::<_, std::io::Error>("piece"), n + 1))
        });
        let started = Instant::now();
        let upload = client
            .post(crate::reads::url(&world, "/"))
            .header("content-length", "1000");
        let answer = upload.body(reqwest::Body::wrap_stream(pieces)).send().await;
        assert!(answer.is_err() || answer.unwrap().status() == 408);
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_a_502() {
    let origin =
        Scripted::start(|_| proxima_local::raw("HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n")).await;
    let world = crate::reads::small(&origin).await;
    let answer = world
        .client()
        .get(crate::reads::url(&world, "/"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
}
