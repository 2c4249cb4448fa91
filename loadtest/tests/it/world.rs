//! The scripts of `loadtest/scripts`, in three regions on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the scripts.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts")
}

/// Runs a script by `proxima-local -- proxima-load run`, as `make load` does.
fn in_a_world(script: &Path, flags: &[&str]) -> Output {
    let runner = Path::new(env!("CARGO_BIN_EXE_proxima-load"));
    let local = runner.with_file_name("proxima-local");
    let said = "build all programs first: cargo build --workspace --bins";
    assert!(local.is_file(), "{} is missing; {said}", local.display());
    let mut command = Command::new(local);
    command.arg("--").arg(runner).arg("run").args(flags).arg(script);
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn every_script_can_be_run() {
    let mut names: Vec<PathBuf> = std::fs::read_dir(scripts())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "js"));
    assert!(names.len() >= 8, "{names:?}");
    for script in names {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proxima-load"));
        let inspected = command.arg("inspect").arg(&script).output().unwrap();
        assert!(
            inspected.status.success(),
            "{}: {}",
            script.display(),
            text(&inspected)
        );
    }
}

#[test]
fn the_smoke_test_passes_in_a_world_that_is_well() {
    let output = in_a_world(&scripts().join("smoke.js"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(
        text(&output).contains("✓ a read is answered"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_threshold_that_no_world_can_meet_is_exit_code_99() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("too-much.js");
    let world = scripts().join("lib/world.js");
    let text_of_script = format!(
        "import http from 'k6/http';
         import {{ regions }} from '{}';
         export const options = {{ thresholds: {{ http_req_duration: ['max<0'] }} }};
         export default () => regions.map((region) => http.get(`${{region.url}}/profiles`));",
        world.display()
    );
    std::fs::write(&script, text_of_script).unwrap();
    let output = in_a_world(&script, &["--quiet"]);
    assert_eq!(output.status.code(), Some(99), "{}", text(&output));
    assert!(text(&output).contains("✗ 'max<0'"), "{}", text(&output));
}
