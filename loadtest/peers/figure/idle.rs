//! Memory per idle TLS connection: each has made one request, and is kept by the server for the next.

use std::time::Duration;

use anyhow::Context;
use tokio::time::sleep;

use crate::bench::Bench;
use crate::catalogue::Sizes;
use crate::figure::Figure;
use crate::instance::Instance;
use crate::load::Mode;
use crate::measure::{Measure, Sample, grouped};
use crate::memory;
use crate::part::{Heading, Outcome, Part};
use crate::server::Server;
use crate::setting::CAPACITY;
use crate::tls::Tls;

/// How long a server gets to put away what it no longer needs, before its memory is looked at.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// One part.
pub(super) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Part> {
    let (tls, count) = (Tls::new()?, bench.flags.connections);
    let heading = Heading {
        figure: Figure::Idle,
        variant: String::new(),
        title: "Idle connection, HTTP/1.1 over TLS".to_owned(),
        method: format!(
            "memory with {} of them, less memory before",
            grouped(&count.to_string())
        ),
    };
    let rounds = bench.flags.terms.rounds;
    let measure = async |instance: &Instance| hold(&tls, &instance.server, count).await;
    bench
        .compare_fresh(heading, rounds, Mode::Https, CAPACITY, measure)
        .await
}

/// Opens that many connections, and looks at the server's memory before and after. All must still be there then.
async fn hold(tls: &Tls, server: &Server, count: u32) -> anyhow::Result<Outcome> {
    let path = Sizes::Even.path(0);
    let mut first = tls.connect(server.tls).await?;
    first.get(&path).await?;
    first.close().await?;
    sleep(SETTLE).await;
    let before = memory::taken_by(server)?;
    let mut connections = Vec::new();
    for place in 1..=count {
        let mut connection = tls.connect(server.tls).await?;
        let answer = connection.get(&path).await;
        answer.with_context(|| format!("connection {place} of {count}"))?;
        connections.push(connection);
    }
    sleep(SETTLE).await;
    let after = memory::taken_by(server)?;
    for connection in &mut connections {
        connection.get(&path).await.context("a connection was not kept")?;
    }
    let growth = (after as f64 - before as f64) / 1024.0;
    Ok(Sample::from([(Measure::KibPerConnection, growth / f64::from(count))]).into())
}
