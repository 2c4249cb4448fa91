//! What is asked of a generator.

use serde::Serialize;

use crate::generator::Generator;

/// What a generator has to do. Each connection has one request under way at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Connections, which are virtual users where there are such.
    pub(crate) connections: u32,
    /// Requests per second to offer; `None` for as many as there are answers.
    pub(crate) per_second: Option<u32>,
}

/// A part of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// As many requests as there are answers.
    Saturation,
    /// 2,000 requests per second, which leave both sides idle most of the time.
    Rate,
    /// Memory with one connection and with 200.
    Memory,
}

impl Part {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Saturation, Self::Rate, Self::Memory];

    /// What it is, for the table.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Saturation => "as fast as answers come, 50 connections",
            Self::Rate => "2,000 requests/s offered on 50 connections",
            Self::Memory => "as fast as answers come, 1 and 200 connections",
        }
    }

    /// What to ask for, the least first.
    pub(crate) fn demands(self) -> &'static [Demand] {
        const fn demand(connections: u32, per_second: Option<u32>) -> Demand {
            Demand {
                connections,
                per_second,
            }
        }
        const SATURATION: [Demand; 1] = [demand(50, None)];
        const RATE: [Demand; 1] = [demand(50, Some(2000))];
        const MEMORY: [Demand; 2] = [demand(1, None), demand(200, None)];
        match self {
            Self::Saturation => &SATURATION,
            Self::Rate => &RATE,
            Self::Memory => &MEMORY,
        }
    }

    /// Those it can be asked of.
    ///
    /// A rate is worth comparing only where requests are spread over time. hey's workers all wait for the same tick and
    /// then ask at once, 50 requests together 40 times a second, so its latencies would be those of a queue.
    ///
    /// Memory per connection says nothing of hey and h2load, which remember each request.
    pub(crate) fn generators(self) -> &'static [Generator] {
        use Generator::{H2load, ProximaLoad, Wrk};
        match self {
            Self::Saturation => &Generator::ALL,
            Self::Rate => &[Wrk, H2load, ProximaLoad],
            Self::Memory => &[Wrk, ProximaLoad],
        }
    }
}
