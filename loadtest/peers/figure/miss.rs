//! CPU time per miss: objects that nobody has asked for yet, each fetched from the origin and stored.

use anyhow::Context;
use tokio::time::sleep;

use crate::bench::Bench;
use crate::catalogue::Sizes;
use crate::figure::Figure;
use crate::figure::objects::{HELD_MIN, held_share};
use crate::instance::Instance;
use crate::load::{self, Mode};
use crate::measure::{Measure, Sample};
use crate::part::{Heading, Outcome, Part};
use crate::tier::Tier;
use crate::window::{QUIET, watch};

/// Bytes of cache that every miss of a measurement fits into, with room for what servers add to an object.
const CAPACITY: u64 = 2 << 30;
/// Id of the first object that is read before the measurement; those that are measured come after it.
const WARM_UP_FROM: u32 = 1;
/// Id of the first object that is measured.
const FROM: u32 = 100_000_000;
/// Least share of the requests that have to reach the origin.
const ASKED_MIN: f64 = 0.99;

/// One part, without TLS.
pub(super) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Part> {
    let heading = Heading {
        figure: Figure::Miss,
        variant: String::new(),
        title: "Miss, HTTP/1.1".to_owned(),
        method: "64 connections, each object once (wrk)".to_owned(),
    };
    let rounds = bench.flags.terms.rounds;
    let measure = async |instance: &Instance| measure_once(bench, instance).await;
    bench
        .compare_fresh(heading, rounds, Mode::Http, CAPACITY, measure)
        .await
}

async fn measure_once(bench: &Bench<'_>, instance: &Instance) -> anyhow::Result<Outcome> {
    let (server, method) = (&instance.server, bench.method(Tier::L1, None, instance));
    load::run_distinct(server, WARM_UP_FROM, 1, &method).await?;
    sleep(QUIET).await;
    let seconds = bench.flags.terms.seconds;
    let load = load::run_distinct(server, FROM, seconds, &method);
    let (load, window) = watch(server, &bench.origin, load).await?;
    let mut sample = window.credentials(server, load.requests).await?;
    sleep(QUIET).await;
    let count = u32::try_from(load.requests).context("more requests than there are objects")?;
    let held = held_share(bench, server, count, |place| Sizes::Even.path(FROM + place)).await?;
    sample.extend(Sample::from([
        (Measure::CpuUsPerMiss, window.cpu_us_each(load.requests)),
        (Measure::RequestsPerSecond, load.requests as f64 / load.seconds),
        (Measure::HeldShare, held),
    ]));
    let fault = fault(window.asked as f64 / load.requests as f64, held);
    Ok(Outcome { sample, fault })
}

/// Why requests were no misses, given the share of them that reached the origin, and the share of the objects that
/// were stored.
fn fault(asked: f64, held: f64) -> Option<String> {
    if asked < ASKED_MIN {
        Some(format!(
            "only {:.0} % of its requests reached the origin",
            asked * 100.0
        ))
    } else if held < HELD_MIN {
        Some(format!("it stored only {:.0} % of what it fetched", held * 100.0))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_reaches_the_origin_and_is_stored() {
        assert_eq!(fault(1.001, 1.0), None);
        assert_eq!(fault(0.99, 0.95), None);
        assert_eq!(
            fault(0.5, 1.0).unwrap(),
            "only 50 % of its requests reached the origin"
        );
        assert_eq!(fault(1.0, 0.7).unwrap(), "it stored only 70 % of what it fetched");
    }
}
