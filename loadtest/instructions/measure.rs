//! The measurement of one case.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::sleep;

use crate::access_log::unexpected;
use crate::case::Case;
use crate::load::Client;
use crate::profile::{FunctionCost, Profile};
use crate::world::World;

/// Requests of the smaller load of each round. It costs a connection, a handshake and whatever else a load costs once, and
/// is taken away from the larger one.
const FEW: u32 = 100;
/// Requests by which the larger load is larger.
const MORE: u32 = 1000;

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
    /// Instructions per request. What disturbs a load only adds to it, so the least of all rounds counts for each load.
    pub(crate) instructions: u64,
    /// By how much rounds differ at most, as a part of that.
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
    let (mut few_least, mut many_least) = (u64::MAX, u64::MAX);
    let (mut figures, mut functions) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let few = profile_of(FEW, case, world, client).await?;
        let many = profile_of(FEW + MORE, case, world, client).await?;
        let figure = each(many.instructions, few.instructions)?;
        eprintln!(
            "{}: round {round} of {rounds}: {figure} instructions/request",
            case.name
        );
        figures.push(figure);
        few_least = few_least.min(few.instructions);
        many_least = many_least.min(many.instructions);
        functions = many.per_request(&few, MORE);
    }
    let instructions = each(many_least, few_least)?;
    let range = figures.iter().max().zip(figures.iter().min());
    let (most, least) = range.context("no rounds")?;
    Ok(Measured {
        case,
        instructions,
        spread: (most - least) as f64 / instructions as f64,
        functions,
    })
}

/// What each of the requests costs that the larger load has more.
fn each(many: u64, few: u64) -> anyhow::Result<u64> {
    let more = many.checked_sub(few);
    Ok(more.context("more requests took fewer instructions")? / u64::from(MORE))
}

/// Makes requests until they are answered as those that will be measured, then as many as a round makes: buffers grow to
/// what such a load needs.
async fn warm_up(case: &Case, world: &mut World, client: &mut Client<'_>) -> anyhow::Result<()> {
    let mut fault = None;
    for _ in 0..PASSES {
        fault = fault_of_load(FEW, case, world, client).await?;
        if fault.is_none() {
            return profile_of(FEW + MORE, case, world, client).await.map(drop);
        }
        sleep(PAUSE).await;
    }
    bail!(fault.unwrap_or_default())
}

/// What `requests` requests cost all together.
async fn profile_of(
    requests: u32,
    case: &Case,
    world: &mut World,
    client: &mut Client<'_>,
) -> anyhow::Result<Profile> {
    match fault_of_load(requests, case, world, client).await? {
        None => world.server.take_profile().await,
        Some(fault) => bail!(fault),
    }
}

/// Makes requests and waits until all have been logged; returns why they are not the case's.
async fn fault_of_load(
    requests: u32,
    case: &Case,
    world: &mut World,
    client: &mut Client<'_>,
) -> anyhow::Result<Option<String>> {
    client.ask(case, &world.server, requests).await?;
    let lines = world.log.take(requests).await?;
    let fault = unexpected(&lines, &case.logged);
    Ok(fault.map(|line| {
        format!(
            "each request should be logged as {:?}, and one was: {line}",
            case.logged
        )
    }))
}
