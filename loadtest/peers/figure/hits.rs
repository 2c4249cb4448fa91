//! CPU time per hit, as fast as answers come: from the server's own memory, or from a memcached node.

use anyhow::bail;

use crate::Flags;
use crate::bench::Bench;
use crate::compare::running;
use crate::figure::Figure;
use crate::instance::{Contender, Instance};
use crate::load::{self, Method, Mode};
use crate::measure::{Measure, Sample};
use crate::memcached::{Memcached, Work};
use crate::part::{Heading, Outcome, Part};
use crate::server::Server;
use crate::tier::Tier;
use crate::window::watch;

/// Least share of the requests of the second tier that have to be hits of its node.
const HITS_MIN: f64 = 0.99;

/// A part for each tier and mode.
pub(super) async fn measure(bench: &Bench<'_>, take: &mut impl FnMut(Part)) -> anyhow::Result<()> {
    for (tier, modes) in plan(bench.flags) {
        let files = tempfile::tempdir()?;
        let node = match tier {
            Tier::L1 => None,
            Tier::L2 => Some(Memcached::start(bench.flags.terms.load_core, files.path()).await?),
        };
        if let Some(node) = &node {
            node.preload(tier).await?;
        }
        println!("\n{tier}: {}", tier.description());
        let contenders = bench.start_all(tier, &modes, node.as_ref()).await;
        for mode in modes {
            take(compare(bench, tier, mode, node.as_ref(), &contenders).await?);
        }
    }
    Ok(())
}

/// The modes to measure in each tier; tiers without any are left out.
pub(crate) fn plan(flags: &Flags) -> Vec<(Tier, Vec<Mode>)> {
    let tiers = Tier::ALL.into_iter();
    tiers
        .filter(|tier| flags.tier.is_empty() || flags.tier.contains(tier))
        .map(|tier| {
            let modes = tier.modes().iter().copied();
            let wanted = modes.filter(|mode| flags.mode.is_empty() || flags.mode.contains(mode));
            (tier, wanted.collect::<Vec<_>>())
        })
        .filter(|(_, modes)| !modes.is_empty())
        .collect()
}

/// Measures all servers that have the mode in that tier.
async fn compare(
    bench: &Bench<'_>,
    tier: Tier,
    mode: Mode,
    node: Option<&Memcached>,
    contenders: &[Contender],
) -> anyhow::Result<Part> {
    let (protocol, how) = mode.description();
    let title = format!("{tier} hit, {protocol}");
    let others: Vec<_> = bench.peers().filter(|peer| !peer.serves(tier, mode)).collect();
    if !others.is_empty() {
        let names: Vec<_> = others.iter().map(|peer| peer.as_str()).collect();
        println!("\n{title}: not served by {}", names.join(", "));
    }
    let warm = bench.warm(tier, mode, node, contenders).await;
    let heading = Heading {
        figure: Figure::Hits,
        variant: format!("{}-{}", tier.as_str(), mode.as_str()),
        title,
        method: match node {
            Some(node) => format!("{how}, {}", node.version),
            None => how.to_owned(),
        },
    };
    let terms = &bench.flags.terms;
    let measure = async |_, instance: &anyhow::Result<&Instance>| {
        let instance = running(instance)?;
        let method = bench.method(tier, node, instance);
        measure_once(mode, &instance.server, terms.seconds, &method).await
    };
    bench.compare(heading, terms.rounds, &warm, measure).await
}

async fn measure_once(
    mode: Mode,
    server: &Server,
    seconds: u32,
    method: &Method<'_>,
) -> anyhow::Result<Outcome> {
    let before = work_of(method.node).await?;
    let (load, window) = watch(server, method.origin, load::run(mode, server, seconds, method)).await?;
    let node = before.zip(work_of(method.node).await?);
    let mut sample = window.credentials(server, load.requests).await?;
    sample.extend([
        (Measure::CpuUsPerRequest, window.cpu_us_each(load.requests)),
        (Measure::RequestsPerSecond, load.requests as f64 / load.seconds),
        (Measure::P50Us, load.p50_us),
        (Measure::P99Us, load.p99_us),
        (Measure::Misses, window.asked as f64),
    ]);
    if let Some((before, after)) = node {
        let node = after.since(before);
        expect_hits(node.hits, load.requests)?;
        let each = node.cpu.as_secs_f64() * 1e6 / load.requests as f64;
        sample.extend(Sample::from([(Measure::NodeCpuUsPerRequest, each)]));
    }
    Ok(sample.into())
}

async fn work_of(node: Option<&Memcached>) -> anyhow::Result<Option<Work>> {
    match node {
        Some(node) => node.work().await.map(Some),
        None => Ok(None),
    }
}

/// Whether the node's hits account for all requests but what a stalled look-up may cost. A server that answers from
/// its own memory would be measured at something else.
fn expect_hits(hits: u64, requests: u64) -> anyhow::Result<()> {
    if (hits as f64) < requests as f64 * HITS_MIN {
        bail!("memcached had a hand in only {hits} of {requests} answers");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// A tier and what of it is measured.
    type Planned = (Tier, &'static [Mode]);

    #[test]
    fn flags_choose_tiers_and_modes() {
        let all: &[Mode] = &Mode::ALL;
        let h1: &[Mode] = &[Mode::Http, Mode::Https];
        let cases: [(&[&str], &[Planned]); 5] = [
            (&[], &[(Tier::L1, all), (Tier::L2, h1)]),
            (&["--tier", "l2"], &[(Tier::L2, h1)]),
            (
                &["--mode", "https"],
                &[(Tier::L1, &[Mode::Https]), (Tier::L2, &[Mode::Https])],
            ),
            (&["--mode", "h2"], &[(Tier::L1, &[Mode::H2])]),
            (&["--tier", "l2", "--mode", "h2"], &[]),
        ];
        for (arguments, expected) in cases {
            let flags = Flags::parse_from(["proxima-peers"].iter().chain(arguments));
            let expected: Vec<_> = expected
                .iter()
                .map(|(tier, modes)| (*tier, modes.to_vec()))
                .collect();
            assert_eq!(plan(&flags), expected, "{arguments:?}");
        }
    }

    #[test]
    fn answers_without_the_node_are_no_hits_of_the_second_tier() {
        // More is no harm: what is under way when the load stops is not counted as answered.
        for (hits, good) in [(1064, true), (1000, true), (990, true), (989, false), (0, false)] {
            assert_eq!(expect_hits(hits, 1000).is_ok(), good, "{hits}");
        }
    }
}
