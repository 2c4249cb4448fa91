//! HTTP caching as its RFCs want it: a table of cases (`*.txt`, see `README.md`) that a real proxy is held to, from every
//! tier and in both protocols.

mod cache_status;
mod case;
mod check;
mod client;
mod client_h1;
mod client_h2;
mod invariants;
mod multipart;
mod parse;
mod report;
mod run;
mod settle;
mod stage;
mod template;
mod unreachable;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proxima_local::{Scripted, World};

use case::Case;
use run::{Speaks, Stand};
use stage::Stages;

/// Longer than anything that a case waits for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// One prefix of paths for each setting that cases are about.
const ROUTES: &str = "
[[route]]
name = 'no-heuristics'
path = '/no-heuristics/{rest...}'
heuristic_freshness = false
[[route]]
name = 'cookies-store'
path = '/cookies-store/{rest...}'
set_cookie = 'store'
[[route]]
name = 'cookies-strip'
path = '/cookies-strip/{rest...}'
set_cookie = 'strip'
[[route]]
name = 'ignore-clients'
path = '/ignore-clients/{rest...}'
client_cache_control = 'ignore'
[[route]]
name = 'never-unreachable'
path = '/never-unreachable/{rest...}'
stale_if_unreachable = '0s'
[[route]]
name = 'ttl'
path = '/ttl/{rest...}'
ttl = '60s'
[[route]]
name = 'negative'
path = '/negative/{rest...}'
negative_ttl = '60s'
[[route]]
name = 'swr'
path = '/swr/{rest...}'
stale_while_revalidate = '60s'
[[route]]
name = 'sie'
path = '/sie/{rest...}'
stale_if_error = '60s'
[[route]]
name = 'fields'
path = '/fields/{rest...}'
query = ['fields']
[[route]]
name = 'uncached'
path = '/uncached/{rest...}'
cache = false
[[route]]
name = 'obey'
path = '/obey/{rest...}'
";

/// The cases of all files; `CONFORMANCE=text` leaves those whose file, section or title has the text.
fn cases() -> Arc<Vec<Case>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance");
    let files = std::fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = Path::new(file.file_name().unwrap());
        match parse::parse(name, &text) {
            Ok(found) => cases.extend(found),
            Err(found) => problems.extend(found),
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    if let Ok(wanted) = std::env::var("CONFORMANCE") {
        let named = |case: &Case| {
            let place = format!("{}:{}", case.file.display(), case.line);
            [&place, &case.section, &case.title]
                .iter()
                .any(|text| text.contains(&wanted))
        };
        cases.retain(named);
    }
    Arc::new(cases)
}

/// One region of `proxies` that share `nodes` of memcached, before a scripted origin.
async fn world(origin: &Scripted, proxies: usize, nodes: usize, config: &str) -> World {
    let mut world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(proxies)
        .memcached_per_region(nodes)
        .external_origin(origin.url())
        .routes(ROUTES)
        .config("upstream.host = 'preserve'")
        .config(config);
    if nodes > 0 {
        // a look-up that takes too long is a miss, which is right but not what is asked here
        world = world.config("cache.ring.lookup_timeout = '5s'\ncache.ring.connect_timeout = '5s'");
    }
    world.start().await.unwrap()
}

/// Runs the table in front of `proxies` that share `nodes` of memcached.
async fn table(mode: char, proxies: usize, nodes: usize, config: &str, speaks: &[Speaks]) {
    let cases = cases();
    let stages = Arc::new(Stages::default());
    let script = Arc::clone(&stages);
    let origin = Scripted::start(move |asked| script.script(asked)).await;
    let world = world(&origin, proxies, nodes, config).await;
    let began = std::time::Instant::now();
    let stand = Stand::new(&world, stages, mode);
    let (ran, failures) = stand.run(&cases, speaks).await;
    println!(
        "mode {mode}: {ran} runs of {} cases in {:.1?}",
        cases.len(),
        began.elapsed()
    );
    let report = report::report(&cases, &mode.to_string(), ran, &failures);
    assert!(failures.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_from_l1_are_as_the_rfcs_want_them() {
    table('a', 1, 0, "", &[Speaks::H1, Speaks::H2, Speaks::Both]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_from_the_ring_are_the_same() {
    table('b', 1, 1, "cache.l1.capacity = '0'", &[Speaks::H1, Speaks::H2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_another_proxy_has_stored_are_the_same() {
    table('c', 2, 1, "", &[Speaks::H1, Speaks::H2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_the_same_after_a_restart() {
    table('d', 1, 1, "", &[Speaks::H1, Speaks::H2]).await;
}
