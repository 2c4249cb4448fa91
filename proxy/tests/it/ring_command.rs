//! `proxima ring`: where keys live, and what a change of nodes would move.

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

use proxima_local::{Memcached, World};
use serde_json::Value;

use crate::ring_placement::Client;

/// Runs `proxima ring` in a folder without a configuration.
fn ring<T: AsRef<str>>(args: &[T]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_proxima"))
        .arg("ring")
        .args(args.iter().map(AsRef::as_ref))
        .current_dir(dir.path())
        .output()
        .unwrap()
}

/// What it prints when all is well.
fn printed<T: AsRef<str>>(args: &[T]) -> String {
    let output = ring(args);
    let diagnostics = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{diagnostics}");
    String::from_utf8(output.stdout).unwrap()
}

fn json<T: AsRef<str>>(args: &[T]) -> Value {
    serde_json::from_str(&printed(args)).unwrap()
}

/// Exit code and what is said when something is not.
fn refused(args: &[&str]) -> (i32, String) {
    let output = ring(args);
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The node of each key on a ring of these nodes, as `ring locate` says.
pub(crate) fn located(keys: &[String], nodes: &[String]) -> Vec<String> {
    let nodes = nodes.iter().flat_map(|node| ["--memcached", node]);
    let args: Vec<&str> = ["locate", "--json"]
        .into_iter()
        .chain(nodes)
        .chain(keys.iter().map(String::as_str))
        .collect();
    let places = json(&args);
    let places = places.as_array().unwrap().iter().zip(keys).map(|(place, key)| {
        assert_eq!(place["key"], **key);
        place["node"].as_str().unwrap().to_owned()
    });
    places.collect()
}

/// A file whose ring has these lines.
fn file(dir: &tempfile::TempDir, name: &str, ring: &str) -> String {
    let path = dir.path().join(name);
    let text = format!(
        "[server]\nregion = \"home\"\nlisten = [\"127.0.0.1:8080\"]\n[[region]]\nname = \"home\"\n\
         coordinates = [\"50.11\", \"8.68\"]\norigins = [\"http://127.0.0.1:9000\"]\n{ring}\n"
    );
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn one_key_is_an_object_and_several_are_an_array() {
    let nodes = ["--memcached", "10.0.0.5", "--memcached", "10.0.0.6:11212:3"];
    let one = json(&[&["locate", "profile:7", "--json"][..], &nodes].concat());
    let node = one["node"].as_str().unwrap().to_owned();
    assert!(
        ["10.0.0.5:11211", "10.0.0.6:11212"].contains(&node.as_str()),
        "without the weight: {one}"
    );
    assert_eq!(one, serde_json::json!({ "key": "profile:7", "node": node }));

    let two = json(&[&["locate", "profile:7", "k", "--json"][..], &nodes].concat());
    assert_eq!(two[0], one);
    assert_eq!(two.as_array().unwrap().len(), 2);

    let text = printed(&[&["locate", "profile:7", "k"][..], &nodes].concat());
    let columns: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        columns,
        [["profile:7", &node], ["k", two[1]["node"].as_str().unwrap()]]
    );
}

#[test]
fn a_file_and_its_nodes_as_flags_locate_alike() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(
        &dir,
        "a.toml",
        "[cache.ring]\nnodes = [\"a:1\", \"b:1:2\", \"unix:/run/m.sock\"]",
    );
    let keys = ["a", "b", "c", "d", "e", "f"];
    let of_file = printed(&[&["locate", "-c", &file][..], &keys].concat());
    let flags = [
        "--memcached",
        "a:1",
        "--memcached",
        "b:1:2",
        "--memcached",
        "unix:/run/m.sock",
    ];
    assert_eq!(of_file, printed(&[&["locate"][..], &flags, &keys].concat()));
}

#[test]
fn what_cannot_be_located_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let without = file(&dir, "without.toml", "");
    let rows: [(&[&str], i32, &str); 6] = [
        (&["locate", "--memcached", "a:1"], 2, "<KEY>"),
        (&["locate", "a b", "--memcached", "a:1"], 2, "without white space"),
        (&["locate", "k", "--memcached", "a:1:0"], 1, "not a node"),
        (&["locate", "k", "-c", &without], 1, "has no [cache.ring]"),
        (&["locate", "k"], 1, "proxima.toml"),
        (&["diff", "--memcached", "a:1"], 2, "--to"),
    ];
    for (args, code, part) in rows {
        let (status, text) = refused(args);
        assert!(
            status == code && text.contains(part),
            "{args:?}: {status}\n{text}"
        );
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[tokio::test]
async fn a_diff_reckons_with_what_the_nodes_hold() {
    let dir = tempfile::tempdir().unwrap();
    let memcached = Memcached::on_socket(dir.path(), "present").await.unwrap();
    let mut client = Client::of_node(&memcached.address());
    for n in 0..100 {
        client.set(&format!("k{n}"), "some value");
        client.get(&format!("k{n}"));
    }
    let present = memcached.address();
    let args = [
        "--memcached",
        &present,
        "--to-memcached",
        &present,
        "--to-memcached",
        "unix:/run/none.sock",
    ];
    let forecast = json(&[&["diff", "--json"][..], &args].concat());
    let moves = forecast["moves"].as_f64().unwrap();
    assert!((0.3..0.7).contains(&moves), "about half of it: {forecast:#}");
    let held = &forecast["nodes"][0];
    assert_eq!(held["holds"]["items"], 100, "{forecast:#}");
    assert!(
        held["holds"]["hits_per_s"].as_f64().unwrap() > 0.0,
        "{forecast:#}"
    );
    assert_eq!(held["share_before"], 1.0);
    assert_eq!(
        forecast["nodes"][1]["share_after"].as_f64(),
        Some(moves),
        "the new node gets what moves"
    );
    let items = forecast["load"]["items"].as_f64().unwrap();
    assert!((items - 100.0 * moves).abs() < 1e-6, "{forecast:#}");
    assert_eq!(forecast["warm_up_s"], 300);
    assert_eq!(forecast["silent"], serde_json::json!([]));

    let text = printed(&[&["diff"][..], &args].concat());
    assert!(
        text.starts_with(&format!("{:.1} % of the keys move", moves * 100.0)),
        "{text}"
    );
    for part in [
        format!("about {items:.0} items"),
        "with warm_up, for 5m".to_owned(),
        " requests/s".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}\n{text}");
    }
}

#[test]
fn nodes_that_do_not_say_what_they_hold_are_named() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = (mute.local_addr().unwrap().to_string(), mute); // accepted by the kernel, never answered
    let args = [
        "--memcached",
        &gone,
        "--memcached",
        &mute.0,
        "--to-memcached",
        &mute.0,
        "--json",
    ];
    let forecast = json(&[&["diff"][..], &args].concat());
    assert_eq!(forecast["load"], Value::Null);
    let why = |index: usize| forecast["silent"][index]["why"].as_str().unwrap().to_owned();
    assert_eq!(forecast["silent"][0]["node"], gone);
    assert!(why(0).contains("refused"), "{forecast:#}");
    assert_eq!(why(1), "does not answer within 1 s");

    let offline = json(&[&["diff", "--offline"][..], &args].concat());
    assert_eq!(offline["silent"], serde_json::json!([]), "nobody was asked");
    assert_eq!(offline["moves"], forecast["moves"]);
}

#[test]
fn a_diff_of_files_takes_warm_up_from_the_one_to_come() {
    let dir = tempfile::tempdir().unwrap();
    let ring = |nodes: &str, rest: &str| format!("[cache.ring]\nnodes = [{nodes}]\n{rest}");
    let present = file(
        &dir,
        "present.toml",
        &ring("\"localhost:1\", \"localhost:2\"", "tls = true"),
    );
    let coming = file(
        &dir,
        "coming.toml",
        &ring("\"localhost:1\"", "tls = true\nwarm_up = \"0s\""),
    );
    let text = printed(&["diff", "-c", &present, "--to", &coming]);
    assert!(text.contains("localhost:1 is not asked over TLS"), "{text}");
    assert!(
        text.contains("warm_up is off: each item that moves is fetched once more"),
        "{text}"
    );

    let text = printed(&[
        "diff",
        "-c",
        &present,
        "--to-memcached",
        "localhost:1",
        "--offline",
    ]);
    assert!(
        text.contains("with warm_up, for 5m"),
        "the file with other nodes: {text}"
    );
    assert!(text.contains("keep localhost:2 running"), "{text}");
    let same = printed(&["diff", "-c", &present, "--to", &present, "--offline"]);
    assert!(same.starts_with("0.0 % of the keys move"), "{same}");
}

#[tokio::test]
async fn status_shows_each_node_as_the_proxy_sees_it() {
    let world = World::builder()
        .regions(&["us-west"])
        .config("[cache.l1]\ncapacity = \"0\"");
    let world = world.start().await.unwrap();
    let region = world.region("us-west");
    let proxy = region.proxy();
    for id in (1..=40).chain(1..=40) {
        let url = format!("{}/profiles/{id}", proxy.https_url());
        world.client().get(url).send().await.unwrap();
    }
    let admin = proxy.admin_url();
    let status = || json(&["status", "--admin", &admin, "--json"]);
    let before = status();
    let nodes = before["nodes"].as_array().unwrap();
    let sum = |key: &str| nodes.iter().map(|node| node[key].as_f64().unwrap()).sum::<f64>();
    assert_eq!((&before["region"], nodes.len()), (&Value::from("us-west"), 2));
    assert!((sum("share") - 1.0).abs() < 1e-9);
    // a read waits for the fill before it, so not all of the second reads need to have asked the ring
    assert!(sum("hits") > 0.0 && sum("misses") >= 40.0, "{before:#}");
    assert!(
        nodes
            .iter()
            .all(|node| node["state"] == "in" && node["latency_us"].as_u64() > Some(0))
    );

    region.ring()[0].kill().await.unwrap();
    let started = std::time::Instant::now();
    while status()["nodes"][0]["state"] != "out" {
        assert!(started.elapsed() < Duration::from_secs(10), "{:#}", status());
        let url = format!(
            "{}/profiles/{}",
            proxy.https_url(),
            started.elapsed().as_millis() % 40 + 1
        );
        let answer = world.client().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let text = printed(&["status", "--admin", &admin]);
    assert!(text.starts_with("ring of us-west: 2 nodes, 1 out\n"), "{text}");
    assert!(text.contains("taken out 1 times"), "{text}");
}

#[tokio::test]
async fn status_of_a_proxy_without_a_ring_says_so() {
    let world = World::builder().regions(&["us-west"]).memcached_per_region(0);
    let world = world.start().await.unwrap();
    let admin = world.region("us-west").proxy().admin_url();
    let (code, said) = refused(&["status", "--admin", &admin]);
    assert_eq!(code, 1);
    assert!(said.contains("this proxy has no ring"), "{said}");
}
