//! A world comes up, answers, and leaves nothing behind.

use std::fs;

use proxima_local::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{get, is_alive, log, pids, soon};

#[tokio::test]
async fn three_regions_answer_and_leave_nothing_behind() {
    let world = World::builder().start().await.unwrap();

    for region in world.regions() {
        let proxy = region.proxy();
        let (status, cache) = get(&world, &proxy, "/profiles/7").await;
        let expected = format!("Proxima-{}; fwd=uri-miss; stored", region.name());
        assert_eq!((status, cache), (200, expected), "{}", log(&proxy));
        assert_eq!(region.ring().len(), 2);
        assert!(proxy.rss_bytes().unwrap() > 1 << 20);
    }
    let access_log = world.region("us-west").proxy().access_log_path().to_owned();
    assert!(soon(
        || fs::read_to_string(&access_log).is_ok_and(|log| log.contains("/profiles/7"))
    ));

    let (pids, dir) = (pids(&world), world.dir().to_owned());
    assert_eq!(pids.len(), 3 * 4);
    assert!(pids.iter().all(|&pid| is_alive(pid)));
    world.shutdown().await.unwrap();
    assert!(!pids.iter().any(|&pid| is_alive(pid)));
    assert!(!dir.exists());
}

#[tokio::test]
async fn a_dropped_world_leaves_nothing_behind() {
    let world = World::builder()
        .regions(&["us-west"])
        .seed(10, 10)
        .start()
        .await
        .unwrap();
    let (pids, dir) = (pids(&world), world.dir().to_owned());
    drop(world);
    assert!(!pids.iter().any(|&pid| is_alive(pid)));
    assert!(!dir.exists());
}

#[tokio::test]
async fn worlds_do_not_meet() {
    let one = || World::builder().regions(&["us-west"]).seed(10, 10).start();
    let (a, b) = tokio::join!(one(), one());
    let (a, b) = (a.unwrap(), b.unwrap());
    let path = "/profiles/1";
    for world in [&a, &b] {
        let (_, cache) = get(world, &world.region("us-west").proxy(), path).await;
        assert!(cache.ends_with("fwd=uri-miss; stored"), "{cache}");
    }
    assert_ne!(
        a.region("us-west").ring()[0].address(),
        b.region("us-west").ring()[0].address()
    );
}

#[tokio::test]
async fn both_http_versions_are_spoken_and_names_are_found() {
    let world = World::builder()
        .regions(&["eu-central"])
        .seed(10, 10)
        .start()
        .await
        .unwrap();
    let proxy = world.region("eu-central").proxy();
    let url = format!(
        "https://eu-central.proxima.localhost:{}/jobs/3",
        proxy.https_address().port()
    );
    let two = world.client().get(&url).send().await.unwrap();
    let one = world.client_h1().get(&url).send().await.unwrap();
    assert_eq!(
        (two.version(), two.status().as_u16()),
        (reqwest::Version::HTTP_2, 200)
    );
    assert_eq!(
        (one.version(), one.status().as_u16()),
        (reqwest::Version::HTTP_11, 200)
    );
    let plain = world
        .client()
        .get(proxy.http_url() + "/jobs/3")
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 200);
    let admin = world
        .client()
        .get(proxy.admin_url() + "/readyz")
        .send()
        .await
        .unwrap();
    assert_eq!(admin.status(), 200, "{}", admin.text().await.unwrap());
}

#[tokio::test]
async fn a_test_brings_its_own_origin_and_routes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection));
        }
    });
    let world = World::builder()
        .region("moon", 0.0, 0.0)
        .memcached_per_region(0)
        .external_origin(url)
        .routes("[[route]]\nname = 'all'\npath = '/{path...}'\nttl = '1s'")
        .config_in("moon", "route = [{ name = 'all', ttl = '2m' }]")
        .start()
        .await
        .unwrap();
    let proxy = world.region("moon").proxy();
    assert_eq!(
        get(&world, &proxy, "/anything").await.1,
        "Proxima-moon; fwd=uri-miss; stored"
    );
    let (status, cache) = get(&world, &proxy, "/anything").await;
    assert_eq!(status, 200);
    assert!(cache.contains("; hit; ttl=1"), "{cache}");
}

/// Answers every request on a connection with `hello`.
async fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    loop {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await?);
        }
        head.clear();
        connection
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            .await?;
    }
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let bad_config = World::builder()
        .regions(&["us-west"])
        .seed(10, 10)
        .config("server.lisen = 1")
        .start()
        .await;
    let message = format!("{:#}", bad_config.unwrap_err());
    assert!(
        message.contains("proxy-us-west-1 ended before it was ready"),
        "{message}"
    );
    assert!(
        message.contains("command: ") && message.contains("lisen"),
        "{message}"
    );

    let unknown = World::builder()
        .regions(&["atlantis"])
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("atlantis") && unknown.contains("us-west"),
        "{unknown}"
    );
    let not_toml = World::builder().config("ttl = ").start().await.unwrap_err();
    assert!(format!("{not_toml:#}").contains("not TOML"), "{not_toml:#}");
}

#[tokio::test]
async fn a_folder_holds_one_world_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let one = || {
        World::builder()
            .regions(&["us-west"])
            .seed(10, 10)
            .dir(dir.path())
            .start()
    };
    let first = one().await.unwrap();
    let second = one().await.unwrap_err();
    assert!(
        format!("{second:#}").contains("belongs to another world"),
        "{second:#}"
    );
    first.shutdown().await.unwrap();
    one().await.unwrap();
    assert!(dir.path().join("origin.sqlite").is_file());
}
