//! More reads than the origins are asked at once: some wait for their turn, the others are told when to come back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use proxima_local::{Scripted, World, answer, raw};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::reads::{cache_status, small_with, url};

/// One read at the origin, and nobody waits.
const ONE: &str = "upstream.max_fetches = 1\nupstream.max_queued_fetches = 0";
/// What the origin says of itself under `/stale`, `/lost` and `/strict`: stale as it arrives.
const STALE: [(&str, &str); 3] = [
    ("/stale", "max-age=60, stale-if-error=600"),
    ("/lost", "max-age=60"),
    ("/strict", "max-age=60, must-revalidate"),
];

/// An origin that holds its answers to `/held…` until it is told to go on.
async fn holding() -> (Scripted, watch::Sender<bool>) {
    let (go, released) = watch::channel(false);
    let origin = Scripted::start(move |asked| {
        let target = asked.target();
        if target.starts_with("/held") {
            return answer("200 OK", &[("cache-control", "max-age=60")], target).when(&released);
        }
        match STALE.iter().find(|(path, _)| *path == target) {
            Some((_, control)) => answer("200 OK", &[("cache-control", control), ("age", "61")], target),
            None => answer("200 OK", &[("cache-control", "max-age=60")], target),
        }
    })
    .await;
    (origin, go)
}

/// HTTP/1.1 and HTTP/2.
fn clients(world: &World) -> [Client; 2] {
    [world.client_h1(), world.client()]
}

/// The value of the metric whose line begins so, without `proxima_`.
async fn metric(world: &World, begins: &str) -> f64 {
    let url = format!("{}/metrics", world.regions()[0].proxy().admin_url());
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let begins = format!("proxima_{begins}");
    let line = text.lines().find(|line| line.starts_with(&begins));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Starts a read that the origin holds, and returns once it is there.
async fn hold(world: &World, origin: &Scripted, path: &str) -> tokio::task::JoinHandle<Response> {
    let request = world.client().get(url(world, path));
    let read = tokio::spawn(async move { request.send().await.unwrap() });
    eventually("the read comes to the origin", async || {
        !origin.asked_for(path).is_empty()
    })
    .await;
    read
}

async fn get(client: &Client, world: &World, path: &str) -> Response {
    client.get(url(world, path)).send().await.unwrap()
}

async fn is_refused(answer: Response) {
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let retry_after = answer.headers()["retry-after"].to_str().unwrap().to_owned();
    assert!(
        (1..=60).contains(&retry_after.parse::<u32>().unwrap()),
        "{retry_after}"
    );
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], 503);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("too many reads") && detail.contains(&retry_after),
        "{detail}"
    );
}

#[tokio::test]
async fn some_are_at_the_origin_some_wait_and_the_others_come_back_later() {
    let config =
        "upstream.max_fetches = 2\nupstream.max_queued_fetches = 3\nupstream.fetch_queue_timeout = '30s'";
    for http in 0..2 {
        let (origin, go) = holding().await;
        let world = small_with(&origin, config).await;
        let client = clients(&world)[http].clone();
        get(&client, &world, "/hit").await.bytes().await.unwrap();
        let mut reads = JoinSet::new();
        for n in 0..10 {
            reads.spawn(client.get(url(&world, &format!("/held/{n}"))).send());
        }
        for _ in 0..5 {
            is_refused(reads.join_next().await.unwrap().unwrap().unwrap()).await;
        }
        eventually("two come to the origin", async || origin.asked() == 3).await;
        assert_eq!(metric(&world, "origin_fetches{").await, 2.0);
        assert_eq!(metric(&world, "origin_fetches_queued{").await, 3.0);
        let refused = "origin_fetches_refused_total{reason=\"queue_full\"";
        assert_eq!(metric(&world, refused).await, 5.0);
        assert_eq!(
            metric(&world, "origin_healthy{").await,
            1.0,
            "that says nothing about the origin"
        );
        for _ in 0..3 {
            let hit = get(&client, &world, "/hit").await;
            assert!(cache_status(&hit).contains("; hit"), "{}", cache_status(&hit));
        }
        assert_eq!(origin.asked(), 3, "those who wait do so here");
        go.send_replace(true);
        while let Some(read) = reads.join_next().await {
            let answer = read.unwrap().unwrap();
            assert_eq!(answer.status(), 200);
            assert!(answer.text().await.unwrap().starts_with("/held/"));
        }
        assert_eq!(
            origin.asked(),
            6,
            "one for the hits and five that were let through"
        );
        assert_eq!(metric(&world, "origin_fetches{").await, 0.0);
        assert_eq!(metric(&world, "origin_fetches_queued{").await, 0.0);
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_operator_lets_them() {
    let config = "upstream.max_fetches = 1\nupstream.fetch_queue_timeout = '300ms'";
    let (origin, go) = holding().await;
    let world = small_with(&origin, config).await;
    let held = hold(&world, &origin, "/held").await;
    for client in clients(&world) {
        let started = Instant::now();
        is_refused(get(&client, &world, "/other").await).await;
        let waited = started.elapsed();
        assert!(
            waited >= Duration::from_millis(300) && waited < Duration::from_secs(5),
            "{waited:?}"
        );
    }
    let refused = "origin_fetches_refused_total{reason=\"timeout\"";
    assert_eq!(metric(&world, refused).await, 2.0);
    assert!(origin.asked_for("/other").is_empty());
    go.send_replace(true);
    assert_eq!(held.await.unwrap().text().await.unwrap(), "/held");
    assert_eq!(get(&world.client(), &world, "/other").await.status(), 200);
}

/// RFC 5861 section 4 and RFC 9111 section 4.2.4.
#[tokio::test]
async fn what_may_be_served_on_errors_is() {
    let (origin, _go) = holding().await;
    let world = small_with(&origin, ONE).await;
    for (path, _) in STALE {
        let first = get(&world.client(), &world, path).await;
        assert!(cache_status(&first).contains("; stored"), "{path}");
        first.bytes().await.unwrap();
    }
    let _held = hold(&world, &origin, "/held").await;
    for client in clients(&world) {
        let stale = get(&client, &world, "/stale").await;
        assert_eq!(stale.status(), 200);
        assert!(
            cache_status(&stale).starts_with("Proxima-us-west; fwd=stale"),
            "{}",
            cache_status(&stale)
        );
        assert_eq!(stale.text().await.unwrap(), "/stale");
        // an hour without origins would allow it, but they are there
        is_refused(get(&client, &world, "/lost").await).await;
        is_refused(get(&client, &world, "/strict").await).await;
    }
}

#[tokio::test]
async fn all_who_wait_for_one_key_count_once() {
    let config =
        "upstream.max_fetches = 1\nupstream.max_queued_fetches = 1\nupstream.fetch_queue_timeout = '30s'";
    let (origin, go) = holding().await;
    let world = small_with(&origin, config).await;
    let first = hold(&world, &origin, "/held/first").await;
    let clients = clients(&world);
    let mut same = JoinSet::new();
    for n in 0..10 {
        same.spawn(clients[n % 2].get(url(&world, "/held/same")).send());
    }
    eventually("they wait", async || {
        metric(&world, "origin_fetches_queued{").await == 1.0
    })
    .await;
    is_refused(get(&clients[0], &world, "/held/other").await).await;
    go.send_replace(true);
    assert_eq!(first.await.unwrap().status(), 200);
    while let Some(read) = same.join_next().await {
        assert_eq!(read.unwrap().unwrap().text().await.unwrap(), "/held/same");
    }
    assert_eq!(origin.asked_for("/held/same").len(), 1);
}

#[tokio::test]
async fn an_explanation_waits_for_its_turn_too() {
    let (origin, go) = holding().await;
    let world = small_with(&origin, ONE).await;
    let held = hold(&world, &origin, "/held").await;
    let explain = async || -> Value {
        let admin = world.regions()[0].proxy().admin_url();
        let inquiry = json!({"url": "https://api.recruiting.example/new"});
        let request = Client::new().post(format!("{admin}/explain")).json(&inquiry);
        request.send().await.unwrap().json().await.unwrap()
    };
    let refused = explain().await;
    assert_eq!(refused["origin"]["because"], "no origin was asked");
    assert!(
        refused["origin"]["error"]
            .as_str()
            .unwrap()
            .contains("too many reads")
    );
    go.send_replace(true);
    held.await.unwrap().bytes().await.unwrap();
    assert_eq!(explain().await["origin"]["status"], 200);
    assert_eq!(get(&world.client(), &world, "/next").await.status(), 200);
}

/// Whoever has the end of an answer has given the place back, whatever tells of that end.
#[tokio::test]
async fn one_place_is_enough_for_one_after_the_other() {
    let origin = Scripted::start(|asked| match asked.target() {
        "/empty" => answer("200 OK", &[("cache-control", "no-store")], ""),
        "/204" => raw("HTTP/1.1 204 No Content\r\ncache-control: no-store\r\n\r\n"),
        "/validated" if !asked.field("if-none-match").is_empty() => {
            raw("HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncache-control: max-age=0\r\n\r\n")
        }
        "/validated" => answer(
            "200 OK",
            &[("cache-control", "max-age=0"), ("etag", "\"a\"")],
            "body",
        ),
        "/chunked" => raw(
            "HTTP/1.1 200 OK\r\ncache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n",
        )
        .then(Duration::from_millis(2), "0\r\n\r\n"),
        _ => answer("200 OK", &[("cache-control", "no-store")], "body"),
    })
    .await;
    let world = small_with(&origin, ONE).await;
    for client in clients(&world) {
        let reads = (0..10).flat_map(|_| ["/empty", "/204", "/validated", "/chunked", "/plain"]);
        for path in reads {
            for method in ["GET", "HEAD"] {
                let request = client.request(method.parse().unwrap(), url(&world, path));
                let answer = request.send().await.unwrap();
                assert!(
                    answer.status().is_success(),
                    "{method} {path}: {}",
                    answer.status()
                );
                answer.bytes().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_read_that_several_origins_are_asked_for_takes_one_place() {
    let failing = Scripted::start(|_| answer("503 Service Unavailable", &[], "not now")).await;
    let (well, _go) = holding().await;
    let origins = format!(
        "{ONE}\nupstream.health.unhealthy_after = 1000\n[[region]]\nname = 'us-west'\norigins = ['{}', '{}']",
        failing.url(),
        well.url()
    );
    let world = small_with(&well, &origins).await;
    for path in ["/a", "/b"] {
        assert_eq!(
            get(&world.client(), &world, path).await.text().await.unwrap(),
            path
        );
    }
    assert_eq!((failing.asked(), well.asked()), (2, 2));
}

#[tokio::test]
async fn what_goes_past_the_cache_is_not_held_up() {
    let (origin, _go) = holding().await;
    let world = small_with(&origin, ONE).await;
    let _held = hold(&world, &origin, "/held").await;
    let writes = (0..5).map(|_| world.client().put(url(&world, "/x")).body("x").send());
    for written in join_all(writes).await {
        assert_eq!(written.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn every_fill_is_counted_until_it_ends_whoever_may_join_it() {
    let (origin, go) = holding().await;
    let world = small_with(&origin, "").await;
    let began = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let client = world.client();
    let to = |path: &str| client.get(url(&world, path));
    let mut reads = JoinSet::new();
    reads.spawn(to("/held/whole").send());
    reads.spawn(to("/held/whole").send());
    reads.spawn(to("/held/range").header("range", "bytes=0-1").send());
    reads.spawn(client.head(url(&world, "/held/head")).send());
    eventually("three fills are under way", async || {
        metric(&world, "fills_in_flight{").await == 3.0
    })
    .await;
    let oldest = metric(&world, "fills_oldest_start_time_seconds{").await;
    assert!(
        (began - 0.001..began + 10.0).contains(&oldest),
        "{oldest} {began}"
    );
    go.send_replace(true);
    while let Some(read) = reads.join_next().await {
        assert!(read.unwrap().unwrap().status().is_success());
    }
    eventually("all have ended", async || {
        metric(&world, "fills_in_flight{").await == 0.0
    })
    .await;
    assert_eq!(metric(&world, "fills_oldest_start_time_seconds{").await, 0.0);
}
