//! The configuration read again while the proxy serves: by SIGHUP, `POST /reload` and `proxima reload`.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use proxima_local::{Proxy, World};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::failures::Readers;
use crate::tls;
use crate::zero_config::{Bare, client};

/// How long what happens behind an answer or a signal may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ways to ask for a reload.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Hangup,
    Command,
}

impl Way {
    fn ask(self, proxy: &Proxy) {
        match self {
            Self::Hangup => proxy.signal(Signal::SIGHUP).unwrap(),
            Self::Command => {
                // what it says of the outcome is the business of other tests
                command(&["--admin", &proxy.admin_url()]);
            }
        }
    }
}

/// Exit code, output and diagnostics of `proxima reload`.
fn command(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_proxima"))
        .arg("reload")
        .args(args)
        .env_remove("PROXIMA_ADMIN_TOKEN")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

async fn world(config: &str) -> World {
    World::builder()
        .regions(&["us-west"])
        .config(config)
        .start()
        .await
        .unwrap()
}

/// `cache.ring.nodes` with these nodes of the region's ring.
fn nodes(world: &World, which: &[usize]) -> String {
    let ring = world.region("us-west").ring();
    let addresses: Vec<_> = which.iter().map(|&node| ring[node].address()).collect();
    format!("cache.ring.nodes = {}\n", json!(addresses))
}

/// Status and body of `POST /reload`.
async fn post(admin_url: &str) -> (u16, Value) {
    let answer = client().post(format!("{admin_url}/reload")).send();
    let answer = answer.await.unwrap();
    let status = answer.status().as_u16();
    if status != 200 {
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    }
    (status, answer.json().await.unwrap())
}

/// Addresses of the nodes that a proxy uses.
async fn ring_in_use(proxy: &Proxy) -> Vec<String> {
    let ready = client().get(format!("{}/readyz", proxy.admin_url())).send();
    let ready: Value = ready.await.unwrap().json().await.unwrap();
    let nodes = ready["ring"].as_array().unwrap().iter();
    nodes
        .map(|node| node["node"].as_str().unwrap().to_owned())
        .collect()
}

async fn metrics(admin_url: &str) -> String {
    let metrics = client().get(format!("{admin_url}/metrics")).send();
    metrics.await.unwrap().text().await.unwrap()
}

/// Whether the last reload was good, and when one last was.
async fn last_reload(admin_url: &str) -> (f64, f64) {
    let text = metrics(admin_url).await;
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not in:\n{text}"));
        line.split(' ').nth(1).unwrap().parse().unwrap()
    };
    (
        value("proxima_config_last_reload_successful{"),
        value("proxima_config_last_reload_success_timestamp_seconds{"),
    )
}

/// Waits until something is so, because a signal has no answer.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !so().await {
        assert!(started.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn log(proxy: &Proxy) -> String {
    std::fs::read_to_string(proxy.log_path()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_ring_is_used_without_a_failed_read() {
    for way in [Way::Hangup, Way::Command] {
        // every read goes to the ring, or to the origin
        let world = world("cache.l1.capacity = '0'").await;
        let proxy = world.region("us-west").proxy();
        let pid = proxy.pid();
        let readers = Readers::start(&world, vec![proxy.clone()]).await;
        for which in [&[1][..], &[0, 1], &[0]] {
            let wanted: Vec<_> = which
                .iter()
                .map(|&node| world.region("us-west").ring()[node].address())
                .collect();
            proxy.write_config(&nodes(&world, which)).unwrap();
            way.ask(&proxy);
            until("the new ring is used", async || {
                ring_in_use(&proxy).await == wanted
            })
            .await;
            readers.for_a_while().await;
            let metrics = metrics(&proxy.admin_url()).await;
            let second = r#"proxima_ring_node_in{index="1","#;
            assert_eq!(metrics.contains(second), which.len() == 2, "{metrics}");
        }
        readers.finish().await;
        assert_eq!(proxy.pid(), pid, "{way:?}");
        assert!(log(&proxy).contains("configuration read again: applied: cache.ring"));
    }
}

#[tokio::test]
async fn what_the_ring_holds_is_found_as_soon_as_it_is_configured() {
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(2)
        .config("cache.l1.capacity = '0'")
        .start()
        .await
        .unwrap();
    let proxies = world.region("us-west").proxies();
    for (proxy, found) in [(&proxies[0], "stored"), (&proxies[1], "detail=l2")] {
        proxy.write_config(&nodes(&world, &[1])).unwrap();
        let (status, outcome) = post(&proxy.admin_url()).await;
        assert_eq!(status, 200);
        assert_eq!(
            outcome,
            json!({"applied": ["cache.ring"], "needs_restart": [], "unchanged": false})
        );
        until("one node is used", async || ring_in_use(proxy).await.len() == 1).await;
        let url = format!("{}/profiles/7", proxy.https_url());
        let answer = world.client().get(url).send().await.unwrap();
        let status = crate::reads::cache_status(&answer);
        assert!(status.ends_with(found), "{status}");
        answer.bytes().await.unwrap();
        if found == "stored" {
            crate::tiers::ring_has(proxy, 1).await;
        }
    }
}

#[tokio::test]
async fn a_ring_can_go_and_come() {
    let world = world("").await;
    let proxy = world.region("us-west").proxy();
    let with = std::fs::read_to_string(proxy.config_path()).unwrap();
    let told = async || {
        let metrics = metrics(&proxy.admin_url()).await;
        metrics.matches("proxima_ring_node_in{").count()
    };
    assert_eq!(told().await, 2);
    let (before, rest) = with.split_once("[cache.ring]").unwrap();
    let after = rest.find("\n[").map_or("", |next| &rest[next..]);
    for (text, count) in [(format!("{before}{after}"), 0), (with.clone(), 2)] {
        std::fs::write(proxy.config_path(), text).unwrap();
        let (status, outcome) = post(&proxy.admin_url()).await;
        assert_eq!((status, &outcome["applied"]), (200, &json!(["cache.ring"])));
        until("the ring follows", async || {
            ring_in_use(&proxy).await.len() == count
        })
        .await;
        assert_eq!(told().await, count);
    }
}

#[tokio::test]
async fn the_old_ring_serves_while_the_names_of_the_new_one_do_not_resolve() {
    let world = world("").await;
    let proxy = world.region("us-west").proxy();
    let old = ring_in_use(&proxy).await;
    proxy
        .write_config("cache.ring.nodes = ['nowhere.invalid:11211']")
        .unwrap();
    assert_eq!(post(&proxy.admin_url()).await.0, 200);
    until("the name is looked up", async || {
        log(&proxy).contains("the ring cannot be used yet")
    })
    .await;
    assert_eq!(ring_in_use(&proxy).await, old);
    proxy.write_config(&nodes(&world, &[1])).unwrap();
    assert_eq!(post(&proxy.admin_url()).await.0, 200);
    until("a better ring is made", async || {
        ring_in_use(&proxy).await == [old[1].clone()]
    })
    .await;
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_explained_whole() {
    let faults = ["server.threads", "cache.ring.nodes", "colour"];
    let bad = "server.threads = 0\ncache.ring.nodes = ['a b']\ncolour = 'red'\n";
    let world = world("").await;
    let proxy = world.region("us-west").proxy();
    let admin = proxy.admin_url();
    let good = std::fs::read_to_string(proxy.config_path()).unwrap();
    let ring = ring_in_use(&proxy).await;
    let (successful, at_start) = last_reload(&admin).await;
    assert_eq!(successful, 1.0, "the start read a good one");
    proxy.write_config(bad).unwrap();

    proxy.signal(Signal::SIGHUP).unwrap();
    until("the reload is refused", async || {
        last_reload(&admin).await.0 == 0.0
    })
    .await;
    let (status, problem) = post(&admin).await;
    assert_eq!((status, &problem["status"]), (422, &json!(422)));
    let (code, out, err) = command(&["--admin", &admin]);
    assert_eq!((code, out.as_str()), (1, ""));
    for said in [log(&proxy), problem["detail"].as_str().unwrap().to_owned(), err] {
        for fault in faults {
            assert!(said.contains(fault), "{fault} is not in:\n{said}");
        }
        assert!(said.contains("3 problems in") && said.contains("help:"), "{said}");
        assert!(!said.contains('\u{1b}'), "no colour where nobody looks");
    }
    assert_eq!(ring_in_use(&proxy).await, ring);
    assert_eq!(last_reload(&admin).await, (0.0, at_start));

    std::fs::write(proxy.config_path(), good).unwrap();
    assert_eq!(
        post(&admin).await,
        (
            200,
            json!({"applied": [], "needs_restart": [], "unchanged": true})
        )
    );
    let (successful, now) = last_reload(&admin).await;
    assert!(successful == 1.0 && now > at_start, "{now} after {at_start}");
}

#[tokio::test]
async fn what_takes_a_restart_is_named_until_there_is_one() {
    let world = world("").await;
    let proxy = world.region("us-west").proxy();
    let admin = proxy.admin_url();
    let changes = "server.body_timeout = '21s'\n[[route]]\nname = 'profiles'\nttl = '1s'\n";
    proxy.write_config(&(nodes(&world, &[0]) + changes)).unwrap();
    let (code, out, err) = command(&["--admin", &admin]);
    let line = "applied: cache.ring; changed, takes effect after a restart: server, route";
    assert_eq!((code, out.trim_end(), err.as_str()), (0, line, ""));
    assert!(log(&proxy).contains(line));
    assert_eq!(
        post(&admin).await,
        (
            200,
            json!({"applied": [], "needs_restart": ["server", "route"], "unchanged": false})
        )
    );
    proxy.stop().await.unwrap();
    proxy.restart().await.unwrap();
    let (code, out, _) = command(&["-c", proxy.config_path().to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (0, "nothing has changed\n"));
}

#[tokio::test]
async fn reloads_asked_for_at_once_happen_one_after_the_other() {
    let world = world("").await;
    let proxy = world.region("us-west").proxy();
    let admin = proxy.admin_url();
    proxy.write_config(&nodes(&world, &[0])).unwrap();
    let answers = futures_util::future::join_all((0..16).map(|_| post(&admin))).await;
    let applied = answers
        .iter()
        .filter(|(_, outcome)| outcome["applied"] == json!(["cache.ring"]));
    assert_eq!(applied.count(), 1, "the others find it done: {answers:?}");
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
}

#[tokio::test]
async fn a_reload_asks_for_the_token() {
    let world = world("admin.token = 'secret'").await;
    let proxy = world.region("us-west").proxy();
    let admin = proxy.admin_url();
    let reload = || client().post(format!("{admin}/reload"));
    assert_eq!(reload().send().await.unwrap().status(), 401);
    assert_eq!(reload().bearer_auth("wrong").send().await.unwrap().status(), 401);
    assert_eq!(reload().bearer_auth("secret").send().await.unwrap().status(), 200);
    let get = client().get(format!("{admin}/reload")).bearer_auth("secret");
    assert_eq!(get.send().await.unwrap().status(), 405, "looking changes nothing");
    let (code, _, err) = command(&["--admin", &admin]);
    assert!(code == 1 && err.contains("PROXIMA_ADMIN_TOKEN"), "{err}");
    let (code, out, _) = command(&["--admin", &admin, "--token", "secret"]);
    assert_eq!((code, out.as_str()), (0, "nothing has changed\n"));
    let file = proxy.config_path().to_str().unwrap();
    assert_eq!(command(&["--admin", &admin, "-c", file]).0, 0, "the file has it");
}

#[tokio::test]
async fn certificates_are_read_again_and_broken_ones_refused() {
    let world = world("server.certificate_poll = '1h'").await;
    let (cert, key) = world.region("us-west").certificate();
    let proxy = world.region("us-west").proxy();
    assert!(tls::ask(&world, "renewed.example").await.is_err());
    world.ca().issue_to(&["renewed.example"], cert, key).unwrap();
    let (status, outcome) = post(&proxy.admin_url()).await;
    assert_eq!((status, &outcome["unchanged"]), (200, &json!(true)));
    assert_eq!(tls::ask(&world, "renewed.example").await.unwrap(), 200);
    std::fs::write(key, "not a key").unwrap();
    proxy.write_config(&nodes(&world, &[0])).unwrap();
    let (status, problem) = post(&proxy.admin_url()).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        status == 422 && detail.contains("readable PEM private key"),
        "{problem}"
    );
    assert_eq!(tls::ask(&world, "renewed.example").await.unwrap(), 200);
    assert_eq!(ring_in_use(&proxy).await.len(), 2, "nothing of it was applied");
}

#[tokio::test]
async fn flags_stand_above_the_file_every_time_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("proxima.toml");
    let write = |nodes: &str| {
        let text = format!(
            "server.region = 'nowhere'\nserver.listen = ['127.0.0.1:0']\ncache.ring.nodes = [{nodes}]\n\
             [[region]]\nname = 'here'\ncoordinates = ['0', '0']\norigins = ['http://127.0.0.1:1']\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    write("'127.0.0.1:2'");
    let flags = [
        "--region",
        "here",
        "--memcached",
        "127.0.0.1:1",
        "--admin",
        "127.0.0.1:0",
    ];
    let proxy = Bare::start(&[&["-c", file.to_str().unwrap()][..], &flags].concat());
    write("'127.0.0.1:3'");
    let (status, outcome) = post(&proxy.admin_url).await;
    assert_eq!((status, &outcome["unchanged"]), (200, &json!(true)), "{outcome}");
}

#[tokio::test]
async fn a_proxy_without_a_file_says_so() {
    let flags = ["--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    let proxy = Bare::start(&[&flags[..], &["--admin", "127.0.0.1:0"]].concat());
    proxy.hang_up();
    let (status, problem) = post(&proxy.admin_url).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(status == 409 && detail.contains("from flags alone"), "{problem}");
    let (code, _, err) = command(&["--admin", &proxy.admin_url]);
    assert!(code == 1 && err.contains("from flags alone"), "{err}");
    let (successful, _) = last_reload(&proxy.admin_url).await;
    assert_eq!(successful, 1.0, "nothing is wrong with its configuration");
}
