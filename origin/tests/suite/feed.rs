//! The feed and positions: what caches build on.

use std::time::{Duration, Instant};

use crate::support::{Database, Origin, field, log, problem};
use serde_json::json;

#[tokio::test]
async fn changes_come_in_order_from_every_process() {
    let database = Database::new();
    let (a, b) = (Origin::start(&database).await, Origin::start(&database).await);
    let mut feed = a.feed("after=0:0").await;
    assert_eq!(
        feed.line().await.unwrap(),
        json!({"position": "0:0", "tags": []}),
        "heartbeat at once"
    );
    a.make_profile("Ada").await;
    b.send("PUT", "/jobs/7", &json!({"title": "T"})).await;
    b.request("DELETE", "/profiles/1").send().await.unwrap();
    for (position, tags) in [
        ("0:1", ["profile:1", "profiles"]),
        ("0:2", ["job:7", "jobs"]),
        ("0:3", ["profile:1", "profiles"]),
    ] {
        assert_eq!(feed.change().await, json!({"position": position, "tags": tags}));
    }
    let mut resumed = b.feed("after=0:2").await;
    assert_eq!(resumed.change().await["position"], "0:3");
}

#[tokio::test]
async fn a_change_by_another_process_arrives_soon() {
    let database = Database::new();
    let (a, b) = (Origin::start(&database).await, Origin::start(&database).await);
    let mut feed = a.feed("after=0:0").await;
    let mut delays = Vec::new();
    for i in 0..20 {
        b.make_profile(&format!("P{i}")).await;
        let committed = Instant::now();
        feed.change().await;
        delays.push(committed.elapsed());
    }
    delays.sort_unstable();
    // Twice the promise, for a busy machine.
    assert!(delays[10] < Duration::from_millis(40), "{delays:?}");
}

#[tokio::test]
async fn silence_is_broken_every_second() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    origin.make_profile("Ada").await;
    let mut feed = origin.feed("after=0:1").await;
    feed.line().await;
    let start = Instant::now();
    for _ in 0..2 {
        assert_eq!(feed.line().await.unwrap(), json!({"position": "0:1", "tags": []}));
    }
    assert!(
        (1_800..4_000).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_snapshot_holds_recent_floors_and_then_goes_on() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    for name in ["Ada", "Bob"] {
        origin.make_profile(name).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    origin
        .send("PATCH", "/profiles/2", &json!({"headline": "x"}))
        .await;

    let mut recent = origin.feed("snapshot=1").await;
    assert_eq!(
        recent.change().await,
        json!({"position": "0:3", "tags": ["profile:2", "profiles"]})
    );
    assert_eq!(
        recent.change().await,
        json!({"position": "0:3", "tags": [], "snapshot": "complete"})
    );
    let mut all = origin.feed("snapshot=3600").await;
    for position in ["0:1", "0:2", "0:3"] {
        assert_eq!(all.change().await["position"], position);
    }
    assert_eq!(all.change().await["snapshot"], "complete");
    origin.make_profile("Cleo").await;
    assert_eq!(
        all.change().await,
        json!({"position": "0:4", "tags": ["profile:3", "profiles"]})
    );

    let empty = Database::new();
    let origin = Origin::start(&empty).await;
    let mut feed = origin.feed("snapshot=60").await;
    assert_eq!(
        feed.line().await.unwrap(),
        json!({"position": "0:0", "tags": [], "snapshot": "complete"})
    );
}

#[tokio::test]
async fn places_that_are_gone_or_make_no_sense() {
    let database = Database::new();
    database.seed(50, 0, 1).await;
    let origin = Origin::start_with(&database, &["--feed-retention", "10"]).await;
    // Pruning starts with the process.
    let deadline = Instant::now() + crate::support::PATIENCE;
    while origin.get("/_proxima/feed?after=0:39").await.status() == 200 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
        if origin.get("/_proxima/feed?after=0:0").await.status() == 410 {
            break;
        }
    }
    for gone in [
        "after=0:0",
        "after=0:39",
        "after=0:51",
        "after=1:45",
        "after=0:18446744073709551615",
        "snapshot=3600",
    ] {
        problem(origin.get(&format!("/_proxima/feed?{gone}")).await, 410).await;
    }
    for bad in [
        "",
        "after=",
        "after=40",
        "after=0:x",
        "after=0:45&after=0:46",
        "after=0:45&snapshot=1",
        "snapshot=0",
        "snapshot=-1",
        "snapshot=x",
    ] {
        problem(origin.get(&format!("/_proxima/feed?{bad}")).await, 400).await;
    }
    let mut feed = origin.feed("after=0:40").await;
    assert_eq!(feed.change().await["position"], "0:41");
    assert_eq!(
        origin.get_json("/profiles/1").await["id"],
        1,
        "the data is never pruned"
    );
}

#[tokio::test]
async fn a_reader_can_wait_for_a_position() {
    let database = Database::new();
    let (a, b) = (Origin::start(&database).await, Origin::start(&database).await);
    a.make_profile("Ada").await;
    let read = async |position: &str| {
        let request = b
            .request("GET", "/profiles/1")
            .header("proxima-min-position", position);
        let start = Instant::now();
        (request.send().await.unwrap(), start.elapsed())
    };
    let (there, delay) = read("0:1").await;
    assert_eq!(there.status(), 200);
    assert!(delay < Duration::from_secs(1), "{delay:?}");

    let writer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        a.send("PATCH", "/profiles/1", &json!({"name": "Ada L."})).await;
    };
    let ((answer, delay), ()) = tokio::join!(read("0:2"), writer);
    assert_eq!(field(&answer, "etag"), "\"2\"");
    assert!((250..1_500).contains(&delay.as_millis()), "{delay:?}");

    let (late, delay) = read("0:99").await;
    assert_eq!(
        (late.status().as_u16(), field(&late, "proxima-position")),
        (200, "0:2")
    );
    assert!((1_900..4_000).contains(&delay.as_millis()), "{delay:?}");
    let (_, delay) = read("7:1").await;
    assert!(
        delay < Duration::from_secs(1),
        "another timeline is not worth waiting for"
    );
    for bad in ["7", "0:-1", "x:y", ""] {
        problem(read(bad).await.0, 400).await;
    }
}

/// Writers over two processes, readers over both: an answer that claims position P contains every write up to
/// P, and the feed brings every change exactly once.
#[tokio::test]
async fn positions_never_claim_too_much() {
    const OBJECTS: i64 = 4;
    const WRITES: i64 = 40;
    let database = Database::new();
    let (a, b) = (Origin::start(&database).await, Origin::start(&database).await);
    for i in 0..OBJECTS {
        a.make_profile(&format!("P{i}")).await;
    }
    let mut feed = b.feed("after=0:0").await;
    let write = async |object: i64| {
        let mut positions = Vec::new();
        for n in 0..WRITES {
            let origin = if (n + object) % 2 == 0 { &a } else { &b };
            let body = json!({"name": format!("{n}")});
            let answer = origin.send("PUT", &format!("/profiles/{object}"), &body).await;
            assert_eq!(answer.status(), 200);
            positions.push(log(field(&answer, "proxima-position")));
        }
        positions
    };
    let read = async |object: i64, origin: &Origin| {
        let mut readings = Vec::new();
        for n in 0..WRITES * 3 {
            let (claimed, version) = if n % 4 == 0 {
                let list = origin.get("/profiles").await;
                let claimed = log(field(&list, "proxima-position"));
                let list: serde_json::Value = list.json().await.unwrap();
                let at = usize::try_from(object - 1).unwrap();
                (claimed, list["items"][at]["version"].as_i64().unwrap())
            } else {
                let answer = origin.get(&format!("/profiles/{object}")).await;
                let version = field(&answer, "etag").trim_matches('"').parse().unwrap();
                (log(field(&answer, "proxima-position")), version)
            };
            readings.push((claimed, version));
        }
        readings
    };
    let ids: Vec<i64> = (1..=OBJECTS).collect();
    let writers = futures_util::future::join_all(ids.iter().map(|id| write(*id)));
    let readers =
        futures_util::future::join_all(ids.iter().map(|id| read(*id, if id % 2 == 0 { &a } else { &b })));
    let (written, readings) = tokio::join!(writers, readers);
    for ((object, written), readings) in ids.iter().zip(&written).zip(&readings) {
        for (claimed, version) in readings {
            let newest = written
                .iter()
                .filter(|position| *position <= claimed)
                .max()
                .unwrap_or(object);
            assert!(
                version >= newest,
                "object {object}: claims 0:{claimed}, has {version}, lacks {newest}"
            );
        }
    }
    for position in 1..=OBJECTS * (WRITES + 1) {
        assert_eq!(feed.change().await["position"], format!("0:{position}"));
    }
}
