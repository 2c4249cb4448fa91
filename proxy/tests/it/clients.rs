//! The clients that people really use, against the TLS front.

use std::path::Path;
use std::process::Command;

use proxima_local::World;

use crate::reads::url;

/// Runs a program to its end and returns what it printed.
async fn run(program: &str, args: Vec<String>) -> String {
    let name = program.to_owned();
    let mut command = Command::new(program);
    command.args(args);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap();
    let output =
        output.unwrap_or_else(|error| panic!("{name} cannot be run ({error}); `make setup` installs it"));
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn args(fixed: &[&str], url: &str) -> Vec<String> {
    fixed.iter().copied().chain([url]).map(str::to_owned).collect()
}

#[tokio::test]
async fn curl_over_both_protocols() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let ca = world.ca().cert_path();
    for (flag, protocol) in [("--http1.1", "HTTP/1.1 200"), ("--http2", "HTTP/2 200")] {
        let args = args(
            &["-si", flag, "--cacert", ca.to_str().unwrap()],
            &url(&world, "/profiles/7"),
        );
        run("curl", args.clone()).await;
        let said = run("curl", args).await;
        assert!(said.starts_with(protocol), "{said}");
        assert!(
            said.contains("cache-status: Proxima-us-west; hit; ttl="),
            "{said}"
        );
    }
}

#[tokio::test]
async fn h2load_over_many_streams() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let said = run(
        "h2load",
        args(
            &["-n", "5000", "-c", "10", "-m", "20"],
            &url(&world, "/profiles/7"),
        ),
    )
    .await;
    assert!(
        said.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"),
        "{said}"
    );
    assert!(said.contains("Application protocol: h2"), "{said}");
}

#[tokio::test]
async fn streams_that_a_client_resets_reach_no_origin() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let target = url(&world, "/profiles/7");
    world
        .client()
        .get(&target)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    // a run that ends by the clock drops whatever is still open
    for _ in 0..3 {
        let said = run("h2load", args(&["-D", "1", "-c", "20", "-m", "50"], &target)).await;
        assert!(said.contains(" 0 failed"), "{said}");
    }
    let proxy = world.region("us-west").proxy();
    proxy.stop().await.unwrap();
    let log = std::fs::read_to_string(proxy.access_log_path()).unwrap();
    assert!(log.lines().count() > 1000);
    let forwarded: Vec<_> = log
        .lines()
        .filter(|line| !line.contains("\"cache\":\"hit\""))
        .collect();
    assert_eq!(
        forwarded.len(),
        1,
        "only the first read went to the origin: {forwarded:?}"
    );
}

#[tokio::test]
async fn wrk_over_many_connections() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let said = run(
        "wrk",
        args(&["-t", "2", "-c", "50", "-d", "2s"], &url(&world, "/profiles/7")),
    )
    .await;
    assert!(said.contains("requests in"), "{said}");
    assert!(
        !said.contains("Socket errors") && !said.contains("Non-2xx"),
        "{said}"
    );
}

#[tokio::test]
async fn chromium_shows_a_profile() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let profile = world.dir().join("chromium");
    let data = format!("--user-data-dir={}", profile.display());
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        // the test's own certificate authority is in no browser's store
        "--ignore-certificate-errors",
        "--virtual-time-budget=5000",
        "--dump-dom",
        &data,
    ];
    assert!(
        Path::new("/usr/bin/chromium").exists(),
        "chromium is missing; `make setup` installs it"
    );
    let said = run("chromium", args(&flags, &url(&world, "/profiles/7"))).await;
    assert!(
        said.contains("\"id\":7") || said.contains("&quot;id&quot;:7"),
        "{said}"
    );
    let log = std::fs::read_to_string(world.regions()[0].proxy().access_log_path()).unwrap_or_default();
    let mut tries = 0;
    let mut seen = log.contains("\"protocol\":\"HTTP/2\"");
    while !seen && tries < 20 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let log = std::fs::read_to_string(world.regions()[0].proxy().access_log_path()).unwrap();
        seen = log.contains("\"protocol\":\"HTTP/2\"");
        tries += 1;
    }
    assert!(seen, "the browser spoke HTTP/2");
}
