//! Harm on request: `POST /origin/us-west/kill`, for load scripts that look at what users notice of it.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use futures_util::future::try_join_all;
use proxima_local::{Memcached, Process, Region, World};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// Orders that may wait for the one that is carried out.
const WAITING_MAX: usize = 16;

/// What is to be hurt in a region.
#[derive(Debug, Clone, Copy)]
enum Target {
    Origin,
    /// All of the region's proxies.
    Proxy,
    /// All of the region's memcached nodes.
    Ring,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "origin" => Ok(Self::Origin),
            "proxy" => Ok(Self::Proxy),
            "ring" => Ok(Self::Ring),
            _ => Err(format!("no target `{text}`: it is origin, proxy or ring")),
        }
    }
}

/// What is done to it.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Started again, at the same address.
    Restart,
    Signal(Signal),
}

/// A signal, and what is waited for.
#[derive(Debug, Clone, Copy)]
enum Signal {
    /// SIGKILL, until it is gone.
    Kill,
    /// SIGTERM, until it is gone.
    Stop,
    /// SIGSTOP, until it stands still.
    Pause,
    /// SIGCONT.
    Resume,
}

impl FromStr for Act {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "kill" => Ok(Self::Signal(Signal::Kill)),
            "stop" => Ok(Self::Signal(Signal::Stop)),
            "pause" => Ok(Self::Signal(Signal::Pause)),
            "resume" => Ok(Self::Signal(Signal::Resume)),
            "restart" => Ok(Self::Restart),
            _ => Err(format!(
                "no act `{text}`: it is kill, stop, pause, resume or restart"
            )),
        }
    }
}

/// An order, and where to say how it went.
#[derive(Debug)]
pub(crate) struct Order {
    target: Target,
    region: String,
    act: Act,
    done: oneshot::Sender<anyhow::Result<()>>,
}

type Answer = Result<StatusCode, (StatusCode, String)>;

/// Takes orders at the URL that is returned; they come out of the receiver, for [`carry_out`].
///
/// # Errors
/// When no port is free.
pub(crate) async fn listen() -> anyhow::Result<(String, mpsc::Receiver<Order>)> {
    let (orders, inbox) = mpsc::channel(WAITING_MAX);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = Router::new()
        .route("/{target}/{region}/{act}", post(take))
        .with_state(orders);
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok((url, inbox))
}

async fn take(
    State(orders): State<mpsc::Sender<Order>>,
    Path((target, region, act)): Path<(String, String, String)>,
) -> Answer {
    let not_found = |problem| (StatusCode::NOT_FOUND, problem);
    let (done, outcome) = oneshot::channel();
    let order = Order {
        target: target.parse().map_err(not_found)?,
        region,
        act: act.parse().map_err(not_found)?,
        done,
    };
    let failed = |problem| (StatusCode::INTERNAL_SERVER_ERROR, problem);
    let ending = |_| failed("the world is about to end".to_owned());
    orders.send(order).await.map_err(|_| ending(()))?;
    match outcome.await.map_err(|_| ending(()))? {
        Ok(()) => Ok(StatusCode::OK),
        Err(problem) => Err(failed(format!("{problem:#}"))),
    }
}

/// Carries out what is asked for, one after the other, for as long as anybody can ask.
pub(crate) async fn carry_out(world: &World, mut orders: mpsc::Receiver<Order>) {
    while let Some(order) = orders.recv().await {
        let region = world
            .regions()
            .iter()
            .find(|region| region.name() == order.region);
        let outcome = match region {
            Some(region) => act_on(region, order.target, order.act).await,
            None => Err(anyhow::anyhow!("the world has no region {}", order.region)),
        };
        // Who asked may have left.
        let _ = order.done.send(outcome);
    }
}

async fn act_on(region: &Region, target: Target, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Restart => restart(region, target).await,
        Act::Signal(signal) => {
            let proxies = region.proxies();
            let processes: Vec<&Process> = match target {
                Target::Origin => vec![region.origin()],
                Target::Proxy => proxies.iter().map(|proxy| &***proxy).collect(),
                Target::Ring => region.ring().iter().map(|node| &**node).collect(),
            };
            let sent = processes.into_iter().map(|process| send(process, signal));
            try_join_all(sent).await.map(drop)
        }
    }
}

async fn restart(region: &Region, target: Target) -> anyhow::Result<()> {
    match target {
        Target::Origin => region.origin().restart().await,
        Target::Proxy => {
            let proxies = region.proxies();
            try_join_all(proxies.iter().map(|proxy| proxy.restart()))
                .await
                .map(drop)
        }
        Target::Ring => try_join_all(region.ring().iter().map(Memcached::restart))
            .await
            .map(drop),
    }
}

async fn send(process: &Process, signal: Signal) -> anyhow::Result<()> {
    match signal {
        Signal::Kill => process.kill().await,
        Signal::Stop => process.stop().await.map(drop),
        Signal::Pause => process.pause().await,
        Signal::Resume => process.resume(),
    }
}
