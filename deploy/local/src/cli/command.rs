//! A command that runs in the world, and finds it in its environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proxima_local::World;
use tokio::process::{Child, Command};
use tokio::signal::unix::SignalKind;

use super::{Stop, abroad, faults};

/// What a shell reports of a process that a signal ended, beside the signal's number.
const SIGNALLED: i32 = 128;

/// Runs `program` to its end, and does the harm that it asks for. `records` are how many profiles and jobs there are.
///
/// # Errors
/// When it cannot be started.
pub(crate) async fn run(
    world: &World,
    records: (u32, u32),
    program: &OsStr,
    args: &[OsString],
    stop: &mut Stop,
) -> anyhow::Result<ExitCode> {
    let (faults_url, orders) = faults::listen().await?;
    let abroad_url = abroad::listen(world).await?;
    let mut child = Command::new(program)
        .args(args)
        .envs(environment(world, records))
        .env("PROXIMA_FAULTS", faults_url)
        .envs(abroad_url.map(|url| ("PROXIMA_ABROAD", url)))
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {}", program.to_string_lossy()))?;
    let status = tokio::select! {
        status = attend(&mut child, stop) => status?,
        () = faults::carry_out(world, orders) => child.wait().await?,
    };
    Ok(exit_code(status))
}

/// Where everything is, as the load scripts expect it.
fn environment(world: &World, (profiles, jobs): (u32, u32)) -> Vec<(&'static str, OsString)> {
    let regions: Vec<_> = world
        .regions()
        .iter()
        .map(|region| format!("{}={}", region.name(), region.proxy().https_url()))
        .collect();
    vec![
        ("PROXIMA_REGIONS", regions.join(",").into()),
        ("PROXIMA_PROFILES", profiles.to_string().into()),
        ("PROXIMA_JOBS", jobs.to_string().into()),
        ("SSL_CERT_FILE", world.ca().cert_path().into()),
    ]
}

/// Waits for the command, and tells it when to stop. A terminal's Ctrl-C reaches it without our help; asked once more,
/// it is killed.
async fn attend(child: &mut Child, stop: &mut Stop) -> anyhow::Result<ExitStatus> {
    let signal = tokio::select! {
        status = child.wait() => return Ok(status?),
        signal = stop.asked() => signal,
    };
    if let (true, Some(pid)) = (signal != SignalKind::interrupt(), child.id()) {
        kill(Pid::from_raw(pid.try_into()?), Signal::SIGTERM).context("cannot stop the command")?;
    }
    tokio::select! {
        status = child.wait() => return Ok(status?),
        _ = stop.asked() => {}
    }
    child.kill().await?;
    Ok(child.wait().await?)
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
