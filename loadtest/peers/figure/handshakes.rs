//! New TLS connections: each with a full handshake of TLS 1.3, one request that is a hit, and an end.
//!
//! The request makes sure that the server has finished its side of the handshake, tickets and all, and not only the
//! client its own; beside the handshake it costs a few percent.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::catalogue::Sizes;
use crate::figure::Figure;
use crate::instance::Instance;
use crate::load::Mode;
use crate::many::CONNECTIONS;
use crate::measure::{Measure, Sample};
use crate::part::{Heading, Outcome, Part};
use crate::tier::Tier;
use crate::tls::Tls;
use crate::window::watch;

/// One part.
pub(super) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Part> {
    let tls = Tls::new()?;
    let heading = Heading {
        figure: Figure::Handshakes,
        variant: String::new(),
        title: "New connection, TLS 1.3".to_owned(),
        method: format!("{CONNECTIONS} at once, full handshake and one hit each"),
    };
    let measure = async |instance: &Instance| measure_once(bench, instance, &tls).await;
    bench.compare_warm(heading, Mode::Https, measure).await
}

async fn measure_once(bench: &Bench<'_>, instance: &Instance, tls: &Tls) -> anyhow::Result<Outcome> {
    let server = &instance.server;
    let length = Duration::from_secs(bench.flags.terms.seconds.into());
    let path = Sizes::Even.path(*Tier::L1.objects().start());
    let load = connect_for(length, tls, server.tls, &path);
    let (connections, window) = watch(server, &bench.origin, load).await?;
    let mut sample = window.credentials(server, connections).await?;
    let cpu_us = window.cpu_us_each(connections);
    sample.extend(Sample::from([
        (Measure::CpuUsPerConnection, cpu_us),
        (
            Measure::ConnectionsPerSecond,
            connections as f64 / window.elapsed.as_secs_f64(),
        ),
        (Measure::ConnectionsPerCpuSecond, 1e6 / cpu_us),
    ]));
    Ok(sample.into())
}

/// Opens connections, as many at once as there may be, for a time; returns how many.
async fn connect_for(length: Duration, tls: &Tls, address: SocketAddr, path: &str) -> anyhow::Result<u64> {
    let end = Instant::now() + length;
    let mut users = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (tls, path) = (tls.clone(), path.to_owned());
        users.spawn(async move {
            let mut connections = 0;
            while Instant::now() < end {
                let mut connection = tls.connect(address).await?;
                connection.get(&path).await?;
                connection.close().await?;
                connections += 1;
            }
            anyhow::Ok(connections)
        });
    }
    let mut connections = 0;
    while let Some(ended) = users.join_next().await {
        connections += ended??;
    }
    Ok(connections)
}
