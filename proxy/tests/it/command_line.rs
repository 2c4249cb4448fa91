//! The command line, and what it says to bad input.

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use proxima_local::World;

fn proxima(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proxima"))
        .args(args)
        .output()
        .unwrap()
}

/// Exit code and everything printed.
fn said(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn a_broken_file_lists_every_fault_with_line_key_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broken.toml");
    let text = r#"[server]
region = "nowhere"
listen = ["127.0.0.1"]
threads = 0
colour = "red"

[[region]]
name = "us-west"
aws_region = "us-west-9"
origins = ["ftp://origin"]

[[route]]
name = "profiles"
path = "profiles/{id"
ttl = "soon"
tags = ["job:{key}"]
"#;
    std::fs::write(&file, text).unwrap();
    for command in ["check", "run"] {
        let (code, text) = said(&proxima(&[command, "-c", file.to_str().unwrap()]));
        assert_eq!(code, 1, "{text}");
        for fault in [
            "nowhere",
            "listen",
            "threads",
            "colour",
            "us-west-9",
            "ftp://origin",
            "profiles/{id",
            "soon",
        ] {
            assert!(text.contains(fault), "{fault} is not in:\n{text}");
        }
        assert!(
            text.contains("broken.toml:") || text.contains("broken.toml"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "no colour where nobody looks");
    }
}

#[test]
fn the_printed_default_and_schema_are_good() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("default.toml");
    let (code, default) = said(&proxima(&["config", "default"]));
    assert_eq!(code, 0);
    std::fs::write(&file, default).unwrap();
    let (code, schema) = said(&proxima(&["config", "schema"]));
    assert_eq!(code, 0);
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(schema["properties"]["route"].is_object());
    let flags = ["--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    let (code, shown) = said(&proxima(&[&["config", "show"][..], &flags].concat()));
    assert_eq!(code, 0, "{shown}");
    std::fs::write(&file, shown).unwrap();
    let (code, text) = said(&proxima(&["check", "-c", file.to_str().unwrap()]));
    assert_eq!((code, text.as_str()), (0, "ok: region local of 1, 1 routes\n"));
}

#[test]
fn an_occupied_port_is_named_with_a_remedy() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let (code, text) = said(&proxima(&[
        "run",
        "--upstream",
        "http://127.0.0.1:1",
        "--listen",
        &address,
    ]));
    assert_eq!(code, 1);
    assert!(
        text.contains(&format!("cannot listen on {address}")) && text.contains("ss -ltnp"),
        "{text}"
    );
}

#[tokio::test]
async fn keys_that_cannot_be_read_or_do_not_match_are_named() {
    let world = World::builder()
        .regions(&["us-west"])
        .memcached_per_region(0)
        .start()
        .await
        .unwrap();
    let (cert, key) = world.ca().issue(&["a.example"]).unwrap();
    let (other, _) = world.ca().issue(&["b.example"]).unwrap();
    let empty = world.dir().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let missing = world.dir().join("missing.pem");
    for (cert, key, expected) in [
        (&other, &key, "does not belong to certificate"),
        (&cert, &missing, "missing.pem"),
        (&missing, &key, "missing.pem"),
        (&empty, &key, "empty.pem"),
        (&cert, &empty, "empty.pem"),
        (&cert, &cert, "readable PEM private key"),
    ] {
        let flags = ["--upstream", "http://127.0.0.1:1", "--tls-listen", "127.0.0.1:0"];
        let files = [
            "--tls-cert",
            cert.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ];
        for command in ["run", "check"] {
            let started = Instant::now();
            let (code, text) = said(&proxima(&[&[command][..], &flags, &files].concat()));
            assert_eq!(code, 1, "{text}");
            assert!(text.contains(expected), "{expected} is not in: {text}");
            assert!(!text.contains("panicked"), "{text}");
            assert!(started.elapsed() < Duration::from_secs(5));
        }
    }
}

#[test]
fn wrong_usage_is_exit_2() {
    assert_eq!(said(&proxima(&["run", "--nonsense"])).0, 2);
    assert_eq!(said(&proxima(&["check", "-c", "/no/such/file.toml"])).0, 1);
}
