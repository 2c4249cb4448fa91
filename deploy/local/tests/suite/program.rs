//! The program `proxima-local`, and what it leaves behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{is_alive, soon};

/// The program with few records; its temporary files go to `dir`.
fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proxima-local"));
    command
        .args(["--profiles", "20", "--jobs", "20"])
        .env("TMPDIR", dir)
        .stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, text)
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

/// Starts the program and waits until it is ready; returns it with its children.
fn ready(dir: &Path) -> (Child, Vec<u32>) {
    let mut child = program(dir).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let seen: Vec<_> = lines
        .by_ref()
        .map_while(Result::ok)
        .take_while(|line| !line.starts_with("Ready"))
        .collect();
    let children = children_of(child.id());
    assert_eq!(children.len(), 3 * 4, "{}", seen.join("\n"));
    // Its further lines go nowhere; a closed pipe must not hurt it.
    (child, children)
}

fn children_of(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&child| parent_of(child) == Some(pid)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[test]
fn the_self_check_holds_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (output, text) = output(program(dir.path()).arg("--check"));
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches('✓').count(), 11, "{text}");
    assert!(
        !text.contains('✗') && !text.contains('\x1b') && !text.contains("Ready"),
        "{text}"
    );
    assert!(is_empty(dir.path()));
}

#[test]
fn a_signal_stops_everything_in_order() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let dir = tempfile::tempdir().unwrap();
        let (mut child, children) = ready(dir.path());
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(!children.iter().any(|&pid| is_alive(pid)));
        assert!(is_empty(dir.path()));
    }
}

#[test]
fn no_child_outlives_a_killed_program() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, children) = ready(dir.path());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(soon(|| !children.iter().any(|&pid| is_alive(pid))));
}

#[test]
fn a_kept_folder_keeps_its_files_and_serves_again() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("world");
    for _ in 0..2 {
        let (output, text) = output(
            program(dir.path())
                .args(["--check", "--proxies", "2", "--dir"])
                .arg(&kept),
        );
        assert!(output.status.success(), "{text}");
        for file in [
            "ca.pem",
            "origin.sqlite",
            "proxy-us-west-1.toml",
            "proxy-ap-east-2.log",
            "access-us-west-1.jsonl",
        ] {
            assert!(kept.join(file).is_file(), "{file} is not kept");
        }
    }
}

#[test]
fn what_is_missing_is_named_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let (no_proxy, text) = output(program(dir.path()).env("PROXIMA_BIN", "/nonesuch/proxima"));
    assert_eq!(no_proxy.status.code(), Some(1));
    assert!(text.contains("PROXIMA_BIN names /nonesuch/proxima"), "{text}");
    let (no_memcached, text) = output(program(dir.path()).env("PATH", "/nonesuch"));
    assert_eq!(no_memcached.status.code(), Some(1));
    assert!(text.contains("apt-get install memcached"), "{text}");
    assert!(is_empty(dir.path()));
}

/// Runs a shell script in a world.
fn in_the_world(dir: &Path, script: &str) -> (Output, String) {
    output(program(dir).args(["--", "sh", "-c", script]))
}

#[test]
fn a_command_finds_the_world_in_its_environment_and_ends_it_with_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"
        echo "$PROXIMA_PROFILES $PROXIMA_JOBS"
        for region in $(echo "$PROXIMA_REGIONS" | tr , ' '); do
            curl -fsS --cacert "$SSL_CERT_FILE" -o /dev/null -w "${region%%=*} %{http_code}\n" "${region#*=}/profiles/7"
        done
        exit 42
    "#;
    let (output, text) = in_the_world(dir.path(), script);
    assert_eq!(output.status.code(), Some(42), "{text}");
    assert_eq!(text, "20 20\nus-west 200\neu-central 200\nap-east 200\n");
    assert!(is_empty(dir.path()));
}

#[test]
fn a_command_can_have_processes_of_the_world_hurt() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"
        url=${PROXIMA_REGIONS%%,*}
        url=${url#*=}
        order() { curl -sS -X POST -w '%{http_code}\n' "$PROXIMA_FAULTS/$1"; }
        ask() { curl -sS -m 5 --cacert "$SSL_CERT_FILE" -o /dev/null -w '%{http_code}\n' "$url/profiles/7" 2>/dev/null; }
        order proxy/us-west/kill; ask; order proxy/us-west/restart; ask
        order origin/us-west/pause; order origin/us-west/resume
        order ring/us-west/stop; ask
        order origin/nowhere/kill; order dog/us-west/kill; order origin/us-west/pat
    "#;
    let (output, text) = in_the_world(dir.path(), script);
    assert!(output.status.success(), "{text}");
    let expected = [
        "200",
        "000",
        "200",
        "200",
        "200",
        "200",
        "200",
        "200",
        "the world has no region nowhere500",
        "no target `dog`: it is origin, proxy or ring404",
        "no act `pat`: it is kill, stop, pause, resume or restart404",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_way_abroad_is_as_long_as_on_the_earth() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"curl -fsS --cacert "$SSL_CERT_FILE" -o /dev/null -w '%{time_starttransfer}\n' "$PROXIMA_ABROAD/profiles/7""#;
    let (output, text) = in_the_world(dir.path(), script);
    assert!(output.status.success(), "{text}");
    // There and back twice, 100 ms each: for the handshake, and for the request.
    let seconds: f64 = text.trim().parse().unwrap();
    assert!((0.2..2.0).contains(&seconds), "{text}");
}

#[test]
fn a_signal_stops_the_command_first() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap 'echo asked to stop; exit 5' TERM; echo ready; while :; do sleep 0.01; done";
    let mut child = program(dir.path())
        .args(["--", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(lines.next().as_deref(), Some("asked to stop"));
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert!(is_empty(dir.path()));
}
