//! The measurement of one case.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::sleep;

use crate::access_log::unexpected;
use crate::case::Case;
use crate::load::Client;
use crate::profile::{FunctionCost, Profile, difference};
use crate::side_by_side::median::median;
use crate::world::World;

/// Requests of the smaller load of each round. It costs a connection, a handshake and whatever else a load costs once, and
/// is taken away from the larger one.
const FEW: u32 = 100;
/// Requests by which the larger load is larger.
const MORE: u32 = 500;

/// How often the first requests are made at most until they are what they should be. The first of them fetches, and
/// Proxima writes to the ring behind its answers.
const PASSES: u32 = 20;
/// Pause between two of these.
const PAUSE: Duration = Duration::from_millis(100);

/// What was measured of a case.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The case.
    pub(crate) case: &'static Case,
    /// Instructions per request, the median of all rounds.
    pub(crate) instructions: f64,
    /// By how much rounds differ at most, as a part of the median.
    pub(crate) spread: f64,
    /// What each function cost a request in the last round, the dearest first.
    pub(crate) functions: Vec<FunctionCost>,
}

/// Measures one case `rounds` times.
///
/// # Errors
/// When the server logs anything else than the case's requests.
pub(crate) async fn measure(
    case: &'static Case,
    rounds: u32,
    world: &mut World,
    client: &mut Client<'_>,
) -> anyhow::Result<Measured> {
    warm_up(case, world, client).await?;
    let (mut figures, mut functions) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let few = profile_of(FEW, case, world, client).await?;
        let many = profile_of(FEW + MORE, case, world, client).await?;
        figures.push(difference(many.instructions, few.instructions) / f64::from(MORE));
        functions = many.per_request(&few, MORE);
    }
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    let instructions = median(figures).context("no rounds")?;
    Ok(Measured {
        case,
        instructions,
        spread: (most - least) / instructions,
        functions,
    })
}

/// Makes requests until they are answered as those that will be measured, and starts counting anew.
async fn warm_up(case: &Case, world: &mut World, client: &mut Client<'_>) -> anyhow::Result<()> {
    for pass in 1.. {
        match load(FEW, case, world, client).await {
            Err(error) if pass == PASSES => return Err(error),
            Err(_) => sleep(PAUSE).await,
            Ok(()) => break,
        }
    }
    world.server.take_profile().await.map(drop)
}

/// What `requests` requests cost all together.
async fn profile_of(
    requests: u32,
    case: &Case,
    world: &mut World,
    client: &mut Client<'_>,
) -> anyhow::Result<Profile> {
    load(requests, case, world, client).await?;
    world.server.take_profile().await
}

/// Makes requests and waits until all have been logged, as they should be.
async fn load(requests: u32, case: &Case, world: &mut World, client: &mut Client<'_>) -> anyhow::Result<()> {
    client.ask(case, &world.server, requests).await?;
    let lines = world.log.take(requests).await?;
    if let Some(line) = unexpected(&lines, &case.logged) {
        bail!("a request is to be logged with {:?}, and one was: {line}", case.logged);
    }
    Ok(())
}
