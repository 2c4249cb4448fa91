//! What a look-up in a ring node costs: connections of their own for each exchange (the `memcache` crate's pool) against
//! connections that all requests share.
//!
//! `cargo bench -p proxima --features bench --bench ring_client` starts a memcached on one core and looks up from another, on
//! one thread, so that requests per second and CPU time are those of one core. Rounds alternate.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use memcache::exp::{AsyncMetaClient, MetaClientBuilder};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use proxima::benching::SharedConnections;
use proxima_local::Memcached;

const KEYS: u64 = 10_000;
const VALUE_BYTES: usize = 1536;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(1500);
const CONCURRENCY: [usize; 5] = [1, 64, 128, 256, 512];

#[derive(Clone)]
enum Client {
    Pooled(Arc<AsyncMetaClient>),
    Shared(Arc<SharedConnections>),
}

impl Client {
    async fn get(&self, key: &[u8]) -> Option<usize> {
        match self {
            Self::Pooled(client) => client.get(key).send().await.ok()?.value.map(|value| value.len()),
            Self::Shared(client) => client.get(key).await.map(|value| value.len()),
        }
    }
}

/// Sums over the rounds of one client at one concurrency.
#[derive(Default)]
struct Sum {
    lookups: u64,
    took: Duration,
    cpu: Duration,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(compare());
}

async fn compare() {
    let dir = tempfile::tempdir().expect("a folder");
    let memcached = Memcached::alone(dir.path(), &["-m", "256"])
        .await
        .expect("memcached");
    pin(memcached.pid(), 1);
    pin(std::process::id(), 0);
    let address = memcached.address();
    let filler = SharedConnections::new(&address, 1);
    let value = Bytes::from(vec![b'v'; VALUE_BYTES]);
    for n in 0..KEYS {
        assert!(
            filler.set(key(n).as_bytes(), value.clone()).await,
            "the node takes values"
        );
    }
    println!("{KEYS} values of {VALUE_BYTES} bytes, one thread, {ROUNDS} rounds of {ROUND:?} each");
    println!(
        "{:>11}  {:>22} {:>10} {:>8}",
        "concurrency", "client", "lookups/s", "CPU µs"
    );
    for concurrency in CONCURRENCY {
        let clients = [
            ("own connection each", pooled(&address, concurrency).await),
            ("shared, 1 connection", shared(&address, 1)),
            ("shared, 2 connections", shared(&address, 2)),
        ];
        let mut sums: [Sum; 3] = Default::default();
        for _ in 0..ROUNDS {
            for ((_, client), sum) in clients.iter().zip(&mut sums) {
                round(client, concurrency, sum).await;
            }
        }
        for ((name, _), sum) in clients.iter().zip(&sums) {
            let per_second = sum.lookups as f64 / sum.took.as_secs_f64();
            let cpu_us = sum.cpu.as_secs_f64() * 1e6 / sum.lookups as f64;
            println!("{concurrency:>11}  {name:>22} {per_second:>10.0} {cpu_us:>8.2}");
        }
    }
}

async fn pooled(address: &str, connections: usize) -> Client {
    let client = MetaClientBuilder::new()
        .max_connections(Some(connections))
        .max_idle(connections)
        .io_timeout(Some(Duration::from_secs(1)))
        .connect_multiple_async([address])
        .await
        .expect("memcached answers");
    Client::Pooled(Arc::new(client))
}

fn shared(address: &str, connections: usize) -> Client {
    Client::Shared(Arc::new(SharedConnections::new(address, connections)))
}

async fn round(client: &Client, concurrency: usize, sum: &mut Sum) {
    let (started, cpu) = (Instant::now(), cpu_time());
    let lookups = Arc::new(AtomicU64::new(0));
    let tasks = (0..concurrency as u64).map(|task| {
        let (client, lookups) = (client.clone(), Arc::clone(&lookups));
        tokio::spawn(async move {
            let mut n = task * 7919;
            while started.elapsed() < ROUND {
                n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let found = client.get(key((n >> 33) % KEYS).as_bytes()).await;
                assert_eq!(found, Some(VALUE_BYTES), "a look-up failed");
                lookups.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no task panics");
    }
    sum.took += started.elapsed();
    sum.cpu += cpu_time() - cpu;
    sum.lookups += lookups.load(Ordering::Relaxed);
}

fn key(n: u64) -> String {
    format!("px1:{n:032x}")
}

fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the system counts");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

/// Without a second core, or `taskset`, all share one.
fn pin(pid: u32, core: usize) {
    let cores = format!("{core}");
    let pinned = Command::new("taskset")
        .args(["-a", "-p", "-c", &cores, &pid.to_string()])
        .output();
    if !pinned.is_ok_and(|output| output.status.success()) {
        eprintln!("process {pid} is not pinned to core {core}: figures will be noisier");
    }
}
