//! Memory per stored object: what a server takes more of it when it has stored many.

use anyhow::Context;
use tokio::time::sleep;

use crate::bench::Bench;
use crate::catalogue::Sizes;
use crate::figure::Figure;
use crate::figure::idle::SETTLE;
use crate::instance::Instance;
use crate::load::Mode;
use crate::measure::{Measure, Sample, grouped};
use crate::part::{Heading, Outcome, Part};
use crate::server::Server;
use crate::setting::CAPACITY;
use crate::{many, memory};

/// Bytes of cache to allow for each object besides its body: more than any server takes.
const ALLOWANCE: u64 = 5 << 10;
/// Hits before memory is looked at for the first time: logs and buffers get as large as they will be.
const HITS: u32 = 50_000;
/// Path of the object that they are of.
const HIT: &str = "/profiles/4000000000";
/// Objects that are asked for again, to see whether they are stored.
const SAMPLE: u32 = 1_000;
/// Least share of the objects that a server has to hold to be compared: each that it holds is measured all the same.
pub(super) const HELD_MIN: f64 = 0.95;
/// Least share of the bodies that its memory has to grow by: a body that was not compressed cannot be in less.
const GROWTH_MIN: f64 = 0.95;

/// A part for each number of objects and their sizes.
pub(super) async fn measure(bench: &Bench<'_>, take: &mut impl FnMut(Part)) -> anyhow::Result<()> {
    for &count in &bench.flags.objects {
        for sizes in Sizes::ALL {
            let heading = Heading {
                figure: Figure::Objects,
                variant: format!("{count}-{}", sizes.as_str()),
                title: format!("{} objects of {sizes}", grouped(&count.to_string())),
                method: "memory when they are stored, less memory before and their bodies".to_owned(),
            };
            let capacity = CAPACITY.max(sizes.sum(count) + u64::from(count) * ALLOWANCE);
            let measure = async |instance: &Instance| fill(bench, &instance.server, sizes, count).await;
            // Once: it takes long, and memory differs little from one time to the next.
            let part = bench.compare_fresh(heading, 1, Mode::Http, capacity, measure);
            take(part.await?);
        }
    }
    Ok(())
}

async fn fill(bench: &Bench<'_>, server: &Server, sizes: Sizes, count: u32) -> anyhow::Result<Outcome> {
    many::read("", server.http, HITS, |_| HIT.to_owned()).await?;
    sleep(SETTLE).await;
    let before = memory::taken_by(server)?;
    let what = format!("{count} objects of {sizes}: {}", server.peer);
    many::read(&what, server.http, count, move |id| sizes.path(id)).await?;
    sleep(SETTLE).await;
    let after = memory::taken_by(server)?;
    let held = held_share(bench, server, count, move |id| sizes.path(id)).await?;
    Ok(outcome(
        after as f64 - before as f64,
        held,
        count,
        sizes.sum(count),
    ))
}

/// The share of `count` objects that are answered from the cache, of a sample spread over all.
pub(super) async fn held_share(
    bench: &Bench<'_>,
    server: &Server,
    count: u32,
    path: impl Fn(u32) -> String + Clone + Send + Sync + 'static,
) -> anyhow::Result<f64> {
    let sample = SAMPLE.min(count);
    let asked = bench.origin.asked();
    let spread = move |place: u32| path(spread_over(place, sample, count));
    many::read("", server.http, sample, spread)
        .await
        .context("reading again what was stored")?;
    let fetched = bench.origin.asked() - asked;
    Ok(1.0 - fetched as f64 / f64::from(sample))
}

/// The place among `count` of the one at `place` among `sample`.
#[expect(clippy::cast_possible_truncation, reason = "it is below `count`")]
fn spread_over(place: u32, sample: u32, count: u32) -> u32 {
    (u64::from(place) * u64::from(count) / u64::from(sample)) as u32
}

/// What a growth of memory in bytes says when that share of the objects is held, whose bodies are `bodies` bytes.
fn outcome(growth: f64, held: f64, count: u32, bodies: u64) -> Outcome {
    let mut sample = Sample::from([(Measure::HeldShare, held)]);
    let (objects, bodies) = (held * f64::from(count), held * bodies as f64);
    if growth < bodies * GROWTH_MIN || objects == 0.0 {
        let mib = |bytes: f64| bytes / f64::from(1 << 20);
        let fault = format!(
            "its memory grew by {:.0} MiB for bodies of {:.0} MiB: it was taken before",
            mib(growth),
            mib(bodies)
        );
        return Outcome {
            sample,
            fault: Some(fault),
        };
    }
    sample.extend([
        (Measure::OverheadBytesPerObject, (growth - bodies) / objects),
        (Measure::BytesPerObject, growth / objects),
    ]);
    let fault = (held < HELD_MIN).then(|| format!("it holds only {:.0} % of the objects", held * 100.0));
    Outcome { sample, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overhead_is_what_memory_grows_by_beyond_the_bodies() {
        let outcome = outcome(2_000_000.0, 1.0, 1_000, 1_536_000);
        let expected = Sample::from([
            (Measure::OverheadBytesPerObject, 464.0),
            (Measure::BytesPerObject, 2_000.0),
            (Measure::HeldShare, 1.0),
        ]);
        assert_eq!(outcome, expected.into());
    }

    #[test]
    fn who_holds_half_of_the_objects_is_measured_by_them_but_not_compared() {
        let outcome = outcome(1_000_000.0, 0.5, 1_000, 1_536_000);
        assert_eq!(outcome.sample[&Measure::OverheadBytesPerObject], 464.0);
        assert_eq!(outcome.fault.unwrap(), "it holds only 50 % of the objects");
    }

    #[test]
    fn memory_that_was_taken_at_the_start_says_nothing_of_objects() {
        for (growth, held) in [(0.0, 1.0), (-5.0, 1.0), (1_400_000.0, 1.0), (1e9, 0.0)] {
            let outcome = outcome(growth, held, 1_000, 1_536_000);
            assert_eq!(outcome.sample, Sample::from([(Measure::HeldShare, held)]));
            assert!(outcome.fault.unwrap().contains("MiB"), "{growth}");
        }
    }

    #[test]
    fn samples_are_spread_over_all() {
        assert_eq!(spread_over(0, 1_000, 1_000_000), 0);
        assert_eq!(spread_over(999, 1_000, 1_000_000), 999_000);
        assert_eq!(spread_over(999, 1_000, 1_000), 999);
        assert_eq!(spread_over(999, 1_000, u32::MAX), 4_290_672_327);
    }
}
