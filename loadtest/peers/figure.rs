//! What is measured.

pub(crate) mod handshakes;
pub(crate) mod hits;
pub(crate) mod idle;
pub(crate) mod latency;
pub(crate) mod miss;
pub(crate) mod objects;
pub(crate) mod start;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::measure::Measure;
use crate::part::Part;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Figure {
    /// What a cached hit costs, as fast as answers come.
    Hits,
    /// How long a hit takes at a fixed rate.
    Latency,
    /// What a new TLS connection costs.
    Handshakes,
    /// What an idle TLS connection takes of memory.
    Idle,
    /// What a stored object takes of memory.
    Objects,
    /// How long a server takes from its start to its first hit.
    Start,
    /// What a miss costs.
    Miss,
}

impl Figure {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Hits,
        Self::Latency,
        Self::Handshakes,
        Self::Idle,
        Self::Objects,
        Self::Start,
        Self::Miss,
    ];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Latency => "latency",
            Self::Handshakes => "handshakes",
            Self::Idle => "idle",
            Self::Objects => "objects",
            Self::Start => "start",
            Self::Miss => "miss",
        }
    }

    /// The measures that the README shows of each of its parts.
    pub(crate) fn headlines(self) -> &'static [Measure] {
        match self {
            Self::Hits => &[Measure::CpuUsPerRequest],
            Self::Latency => &[Measure::P50Us, Measure::P99Us, Measure::P999Us],
            Self::Handshakes => &[Measure::ConnectionsPerSecond, Measure::CpuUsPerConnection],
            Self::Idle => &[Measure::KibPerConnection],
            Self::Objects => &[Measure::OverheadBytesPerObject],
            Self::Start => &[Measure::FirstHitMs],
            Self::Miss => &[Measure::CpuUsPerMiss],
        }
    }

    /// The measure that its charts show.
    pub(crate) fn charted(self) -> Measure {
        match self {
            Self::Latency => Measure::P99Us,
            _ => self.headlines()[0],
        }
    }

    /// Measures it of all servers, and hands on each part when it is complete.
    pub(crate) async fn measure(self, bench: &Bench<'_>, take: &mut impl FnMut(Part)) -> anyhow::Result<()> {
        match self {
            Self::Hits => hits::measure(bench, take).await,
            Self::Latency => latency::measure(bench).await.map(take),
            Self::Handshakes => handshakes::measure(bench).await.map(take),
            Self::Idle => idle::measure(bench).await.map(take),
            Self::Objects => objects::measure(bench, take).await,
            Self::Start => start::measure(bench).await.map(take),
            Self::Miss => miss::measure(bench).await.map(take),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
