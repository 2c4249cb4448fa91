//! From a server's start to its first hit.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{sleep, timeout};

use crate::bench::Bench;
use crate::catalogue::Sizes;
use crate::client::Client;
use crate::figure::Figure;
use crate::instance::Instance;
use crate::load::Mode;
use crate::measure::{Measure, Sample};
use crate::origin::Origin;
use crate::part::{Heading, Outcome, Part};
use crate::server::Server;
use crate::setting::CAPACITY;

/// How long a server may take to its first hit, once it is ready.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before a server that could not answer yet is asked again.
const PAUSE: Duration = Duration::from_millis(1);

/// One part.
pub(super) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Part> {
    let heading = Heading {
        figure: Figure::Start,
        variant: String::new(),
        title: "Cold start".to_owned(),
        method: "from the start of the first process to the first hit".to_owned(),
    };
    let rounds = bench.flags.terms.rounds;
    let measure = async |instance: &Instance| first_hit(&instance.server, &bench.origin).await;
    bench
        .compare_fresh(heading, rounds, Mode::Http, CAPACITY, measure)
        .await
}

async fn first_hit(server: &Server, origin: &Origin) -> anyhow::Result<Outcome> {
    let path = Sizes::Even.path(0);
    let hit = async {
        loop {
            let asked = origin.asked();
            // Whatever it answers before it can fetch is none.
            let answer = async { Client::connect(server.http).await?.get(&path).await };
            if answer.await.is_ok() && origin.asked() == asked {
                return server.started.elapsed();
            }
            sleep(PAUSE).await;
        }
    };
    let took = timeout(TIMEOUT, hit).await.context("no hit in time")?;
    Ok(Sample::from([(Measure::FirstHitMs, took.as_secs_f64() * 1e3)]).into())
}
