//! What operators see.

use std::time::Duration;

use proxima_local::World;
use serde_json::Value;

use crate::reads::url;

#[tokio::test]
async fn health_readiness_and_metrics() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let proxy = world.region("us-west").proxy();
    let get = async |path: &str| {
        reqwest::get(format!("{}{path}", proxy.admin_url()))
            .await
            .unwrap()
    };
    assert_eq!(get("/healthz").await.status(), 200);
    let ready: Value = get("/readyz").await.json().await.unwrap();
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["ring"].as_array().unwrap().len(), 2);
    for _ in 0..3 {
        world
            .client()
            .get(url(&world, "/profiles/7"))
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
    }
    let metrics = get("/metrics").await.text().await.unwrap();
    for line in [
        r#"proxima_requests_total{cache="hit-l1",route="profiles",status="2xx",region="us-west"} 2"#,
        r#"proxima_requests_total{cache="uri-miss",route="profiles",status="2xx",region="us-west"} 1"#,
        r#"proxima_feed_connected{region="us-west"} 1"#,
        r#"proxima_build_info{version="0.1.0",region="us-west"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
}

#[tokio::test]
async fn a_token_guards_the_metrics_but_not_the_health_check() {
    let world = World::builder()
        .regions(&["us-west"])
        .config("admin.token = 'secret'")
        .start()
        .await
        .unwrap();
    let proxy = world.region("us-west").proxy();
    let client = reqwest::Client::new();
    let metrics = format!("{}/metrics", proxy.admin_url());
    assert_eq!(client.get(&metrics).send().await.unwrap().status(), 401);
    assert_eq!(
        client
            .get(&metrics)
            .bearer_auth("wrong")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    assert_eq!(
        client
            .get(&metrics)
            .bearer_auth("secret")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        client
            .get(format!("{}/healthz", proxy.admin_url()))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn one_line_per_request() {
    let world = World::builder().regions(&["us-west"]).start().await.unwrap();
    let proxy = world.region("us-west").proxy();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for client in [world.client(), world.client_h1()] {
        let request = client
            .get(url(&world, "/jobs/7?fields=title"))
            .header("traceparent", trace);
        request.send().await.unwrap().bytes().await.unwrap();
    }
    let write = world
        .client()
        .patch(url(&world, "/jobs/7"))
        .json(&serde_json::json!({"title": "x"}));
    write.send().await.unwrap();
    proxy.stop().await.unwrap();
    let log = std::fs::read_to_string(proxy.access_log_path()).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3, "{log}");
    // lines of different threads come in any order
    let line = |cache: &str| lines.iter().find(|line| line["cache"] == cache).unwrap();
    let (miss, hit, write) = (line("uri-miss"), line("hit"), line("method"));
    assert!(miss["origin_ms"].is_u64() && miss["tier"].is_null());
    assert_eq!((&hit["cache"], &hit["tier"]), (&"hit".into(), &"l1".into()));
    assert_eq!(
        (&miss["protocol"], &hit["protocol"]),
        (&"HTTP/2".into(), &"HTTP/1.1".into())
    );
    assert_eq!(
        (&write["cache"], &write["method"]),
        (&"method".into(), &"PATCH".into())
    );
    for line in &lines {
        assert_eq!(line["region"], "us-west");
        assert_eq!(line["route"], "jobs");
        assert_eq!(line["status"], 200);
        assert_eq!(line["client"], "127.0.0.1");
    }
    for read in [miss, hit] {
        assert_eq!(read["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(read["target"], "/jobs/7?fields=title");
        assert!(read["body_bytes"].as_u64().unwrap() > 0);
    }
    assert!(Duration::from_micros(hit["duration_us"].as_u64().unwrap()) < Duration::from_secs(1));
}
