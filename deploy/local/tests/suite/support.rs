//! What several tests ask.

use std::fs;
use std::time::{Duration, Instant};

use proxima_local::{Process, Proxy, Region, World};

/// How long something may take that needs no time.
const SOON: Duration = Duration::from_secs(5);

/// Whether a process is there; one that was not waited for counts as gone.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Process ids of the world's processes.
pub(crate) fn pids(world: &World) -> Vec<u32> {
    let of_region = |region: &Region| {
        let mut pids: Vec<_> = region.proxies().iter().map(|proxy| proxy.pid()).collect();
        pids.push(region.origin().pid());
        pids.extend(region.ring().iter().map(|node| node.pid()));
        pids
    };
    world.regions().iter().flat_map(of_region).collect()
}

/// Waits until `true`, a few seconds at most.
pub(crate) fn soon(mut truth: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < SOON {
        if truth() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    truth()
}

/// The status and this cache's member of `Cache-Status` of a GET.
pub(crate) async fn get(world: &World, proxy: &Proxy, path: &str) -> (u16, String) {
    let answer = world.client().get(proxy.https_url() + path).send().await.unwrap();
    let cache = answer
        .headers()
        .get("cache-status")
        .map(|value| value.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    (status, cache.unwrap_or_default())
}

/// The diagnostics of a process, for the message of a test that fails.
pub(crate) fn log(process: &Process) -> String {
    fs::read_to_string(process.log_path()).unwrap_or_default()
}
