//! Measuring servers by turns.

use anyhow::anyhow;

use crate::bench::Bench;
use crate::instance::Instance;
use crate::load::Mode;
use crate::part::{Heading, Outcome, Part, Row};
use crate::peer::Peer;
use crate::side_by_side::turns::by_turns;
use crate::tier::Tier;

impl Bench<'_> {
    /// The servers that are there, whether or not they can do what is measured.
    pub(crate) fn peers(&self) -> impl Iterator<Item = Peer> {
        self.found.iter().map(|(peer, _)| *peer)
    }

    /// Measures all servers of the first tier that have the mode, as they run on, warmed up before each measurement.
    pub(crate) async fn compare_warm(
        &self,
        heading: Heading,
        mode: Mode,
        measure: impl AsyncFn(&Instance) -> anyhow::Result<Outcome>,
    ) -> anyhow::Result<Part> {
        let contenders = self.start_all(Tier::L1, &[mode], None).await;
        let warm = self.warm(Tier::L1, mode, None, &contenders).await;
        let measure = async |_, instance: &anyhow::Result<&Instance>| measure(running(instance)?).await;
        self.compare(heading, self.flags.terms.rounds, &warm, measure)
            .await
    }

    /// Measures all servers of the first tier that have the mode, each started anew for each measurement with
    /// `capacity` bytes of cache.
    pub(crate) async fn compare_fresh(
        &self,
        heading: Heading,
        rounds: u32,
        mode: Mode,
        capacity: u64,
        measure: impl AsyncFn(&Instance) -> anyhow::Result<Outcome>,
    ) -> anyhow::Result<Part> {
        let serving = self.peers().filter(|peer| peer.serves(Tier::L1, mode));
        let contenders: Vec<_> = serving.map(|peer| (peer, ())).collect();
        let measure = async |peer, (): &()| {
            let instance = self.start(peer, Tier::L1, None, capacity).await?;
            measure(&instance).await
        };
        self.compare(heading, rounds, &contenders, measure).await
    }

    /// Measures all by turns. What goes wrong is the fault of the server that it goes wrong with: the others are
    /// measured all the same.
    pub(crate) async fn compare<C>(
        &self,
        heading: Heading,
        rounds: u32,
        contenders: &[(Peer, C)],
        measure: impl AsyncFn(Peer, &C) -> anyhow::Result<Outcome>,
    ) -> anyhow::Result<Part> {
        let measure = async |(peer, contender): &(Peer, C)| {
            let measured = measure(*peer, contender).await;
            Ok(measured.unwrap_or_else(|error| Outcome {
                fault: Some(format!("{error:#}")),
                ..Outcome::default()
            }))
        };
        let outcomes = by_turns(rounds, contenders, measure, |round, (peer, _), outcome| {
            eprintln!("{}, round {round} of {rounds}: {peer}: {outcome}", heading.title);
        });
        let outcomes = outcomes.await?;
        let peers = contenders.iter().map(|(peer, _)| *peer);
        let rows = peers.zip(outcomes);
        let rows = rows.map(|(peer, outcomes)| Row::new(peer, outcomes));
        Ok(Part::new(heading, rows.collect()))
    }
}

/// The server that runs, or why none does.
pub(crate) fn running<'i>(instance: &anyhow::Result<&'i Instance>) -> anyhow::Result<&'i Instance> {
    let instance = instance.as_ref().copied();
    instance.map_err(|error| anyhow!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::PathBuf;

    use anyhow::bail;
    use clap::Parser;

    use super::*;
    use crate::Flags;
    use crate::figure::Figure;
    use crate::measure::{Measure, Sample};
    use crate::origin::Origin;

    #[tokio::test]
    async fn what_goes_wrong_with_one_server_leaves_the_others_measured() {
        let flags = Flags::parse_from(["proxima-peers"]);
        let bench = Bench {
            flags: &flags,
            origin: Origin::start().await.unwrap(),
            found: Vec::new(),
            versions: RefCell::default(),
            cert: PathBuf::new(),
            key: PathBuf::new(),
        };
        let heading = Heading {
            figure: Figure::Idle,
            variant: String::new(),
            title: String::new(),
            method: String::new(),
        };
        let measure = async |_, good: &bool| match good {
            true => Ok(Sample::from([(Measure::KibPerConnection, 13.0)]).into()),
            false => bail!("the connection was closed"),
        };
        let contenders = [(Peer::Nginx, false), (Peer::Proxima, true)];
        let part = bench.compare(heading, 2, &contenders, measure).await.unwrap();
        assert_eq!(part.rows[0].fault.as_deref(), Some("the connection was closed"));
        assert_eq!(
            (part.rows[1].fault.as_ref(), part.rows[1].rounds.len()),
            (None, 2)
        );
        assert!(part.ratios.is_empty(), "there is nobody to compare with");
    }
}
