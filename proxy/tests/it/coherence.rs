//! Nobody is shown what was already changed, in whichever region it was changed.

use std::time::{Duration, Instant};

use proxima_local::{Proxy, Scripted, World, answer, raw};
use serde_json::{Value, json};

use crate::OBEY;
use crate::reads::cache_status;
use crate::tiers::ring_has;

async fn name(world: &World, proxy: &Proxy) -> String {
    let answer = world
        .client()
        .get(format!("{}/profiles/7", proxy.https_url()))
        .send()
        .await
        .unwrap();
    let body: Value = answer.json().await.unwrap();
    body["name"].as_str().unwrap().to_owned()
}

async fn rename(world: &World, proxy: &Proxy, name: &str) -> String {
    let url = format!("{}/profiles/7", proxy.https_url());
    let answer = world
        .client()
        .patch(url)
        .json(&json!({"name": name}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    answer.headers()["proxima-position"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_write_in_one_region_reaches_every_proxy_of_every_region() {
    let world = World::builder().proxies_per_region(2).start().await.unwrap();
    let proxies: Vec<_> = world
        .regions()
        .iter()
        .flat_map(proxima_local::Region::proxies)
        .collect();
    for round in 0..5 {
        for proxy in &proxies {
            name(&world, proxy).await;
        }
        let new = format!("Name {round}");
        rename(&world, &proxies[round % proxies.len()], &new).await;
        let written = Instant::now();
        for proxy in &proxies {
            while name(&world, proxy).await != new {
                assert!(
                    written.elapsed() < Duration::from_secs(2),
                    "{} still shows the old name",
                    proxy.name()
                );
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_client_reads_its_own_write_in_any_region_at_once() {
    let world = World::builder().start().await.unwrap();
    let (here, there) = (world.region("us-west").proxy(), world.region("ap-east").proxy());
    let url = format!("{}/profiles/7", there.https_url());
    for round in 0..20 {
        name(&world, &there).await;
        let new = format!("Own {round}");
        let position = rename(&world, &here, &new).await;
        let request = world.client().get(&url).header("proxima-min-position", &position);
        let read: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(read["name"], new);
    }
}

#[tokio::test]
async fn a_ring_node_that_was_away_brings_nothing_old_back() {
    let world = World::builder()
        .regions(&["us-west"])
        .memcached_per_region(1)
        .proxies_per_region(2)
        .start();
    let world = world.await.unwrap();
    let proxies = world.region("us-west").proxies();
    let node = &world.region("us-west").ring()[0];
    let old = name(&world, &proxies[0]).await;
    ring_has(&proxies[0], 1).await;
    node.pause().await.unwrap();
    rename(&world, &proxies[0], "Renamed meanwhile").await;
    assert_ne!(old, "Renamed meanwhile");
    node.resume().unwrap();
    // the node still holds the old entry, and both proxies can reach it again
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for proxy in &proxies {
        assert_eq!(name(&world, proxy).await, "Renamed meanwhile");
    }
}

#[tokio::test]
async fn while_the_feed_is_silent_nothing_stored_counts_as_fresh() {
    let config = "feed.max_silence = '1s'";
    let world = World::builder()
        .regions(&["us-west"])
        .config(config)
        .start()
        .await
        .unwrap();
    let proxy = world.region("us-west").proxy();
    let url = format!("{}/profiles/7", proxy.https_url());
    let ask = async || world.client().get(&url).send().await.unwrap();
    ask().await;
    assert!(cache_status(&ask().await).contains("hit"));
    world.region("us-west").origin().kill().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let answer = ask().await;
    assert_eq!(answer.status(), 200, "stale is better than nothing");
    assert!(
        cache_status(&answer).contains("fwd=stale"),
        "{}",
        cache_status(&answer)
    );
    world.region("us-west").origin().restart().await.unwrap();
    let back = Instant::now();
    loop {
        ask().await;
        if cache_status(&ask().await).contains("; hit") {
            break;
        }
        assert!(
            back.elapsed() < Duration::from_secs(5),
            "the feed came back and hits did not"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_starting_proxy_learns_what_changed_while_it_was_down() {
    let world = World::builder()
        .regions(&["us-west", "eu-central"])
        .start()
        .await
        .unwrap();
    let (west, east) = (
        world.region("us-west").proxy(),
        world.region("eu-central").proxy(),
    );
    name(&world, &west).await;
    ring_has(&west, 1).await;
    west.stop().await.unwrap();
    rename(&world, &east, "Renamed at night").await;
    west.restart().await.unwrap();
    assert_eq!(
        name(&world, &west).await,
        "Renamed at night",
        "its ring still holds the old entry"
    );
}

#[tokio::test]
async fn a_read_after_a_write_does_not_join_a_fill_from_before_it() {
    let origin = Scripted::start(|asked| match asked.what() {
        "POST /x" => answer("200 OK", &[], "written"),
        _ if asked.number == 0 => {
            answer("200 OK", &[("cache-control", "max-age=60")], "old").after(Duration::from_millis(600))
        }
        _ => answer("200 OK", &[("cache-control", "max-age=60")], "new"),
    })
    .await;
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .routes(OBEY)
        .start();
    let world = world.await.unwrap();
    let url = format!("{}/x", world.region("us-west").proxy().https_url());
    let (client, early) = (world.client(), url.clone());
    let slow = tokio::spawn(async move { client.get(early).send().await.unwrap().text().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.client().post(&url).body("x").send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let read = async || {
        world
            .client()
            .get(&url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    assert_eq!(read().await, "new");
    assert_eq!(slow.await.unwrap(), "old", "asked before the write");
    assert_eq!(read().await, "new", "the late fill has replaced nothing");
}

#[tokio::test]
async fn a_feed_whose_log_is_short_is_asked_for_less() {
    let line = |text: &str| format!("{:x}\r\n{text}\n\r\n", text.len() + 1);
    let origin = Scripted::start(move |asked| {
        let Some((_, seconds)) = asked.what().split_once("/_proxima/feed?snapshot=") else {
            return answer("200 OK", &[("cache-control", "max-age=60")], "hello");
        };
        if seconds.parse::<u64>().unwrap() > 10_000 {
            return answer("410 Gone", &[], "");
        }
        let complete = line(r#"{"position":"0:7","tags":[],"snapshot":"complete"}"#);
        let feed = raw(format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{complete}"
        ));
        let heartbeat = line(r#"{"position":"0:7","tags":[]}"#);
        (0..50).fold(feed, |feed, _| {
            feed.then(Duration::from_millis(200), heartbeat.clone())
        })
    })
    .await;
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .routes(OBEY);
    let world = world.config("feed.kind = 'origin'").start().await.unwrap();
    let url = format!("{}/x", world.region("us-west").proxy().https_url());
    let started = Instant::now();
    loop {
        let answer = world.client().get(&url).send().await.unwrap();
        if cache_status(&answer).contains("; hit") {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "the feed is never current"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
