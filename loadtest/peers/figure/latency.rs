//! Latency of hits at a fixed rate over TLS.
//!
//! Requests are due at moments that are evenly apart, whatever became of those before, and connections take turns. A
//! request that has to wait for its connection's last answer counts from when it was due: a server that stalls would
//! otherwise be asked less, and what would have been asked meanwhile be forgotten. One that the client's own timer
//! sends late counts from when it is sent.

use std::time::{Duration, Instant};

use proxima_load::run::Alarm;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::catalogue::Sizes;
use crate::client::Client;
use crate::figure::Figure;
use crate::instance::Instance;
use crate::load::Mode;
use crate::many::CONNECTIONS;
use crate::measure::{Measure, Sample, grouped};
use crate::part::{Heading, Outcome, Part};
use crate::side_by_side::percentile::percentile;
use crate::tier::Tier;
use crate::tls::Tls;
use crate::window::watch;

/// Least share of the rate that has to be reached.
const REACHED_MIN: f64 = 0.99;
/// From the moment at which all connections are there to the first request.
const LEAD: Duration = Duration::from_millis(20);

/// One part.
pub(super) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Part> {
    let (tls, rate) = (Tls::new()?, bench.flags.rate);
    let heading = Heading {
        figure: Figure::Latency,
        variant: String::new(),
        title: format!(
            "Hit at {} requests/s, HTTP/1.1 over TLS",
            grouped(&rate.to_string())
        ),
        method: format!("{CONNECTIONS} connections, latency from when a request was due"),
    };
    let measure = async |instance: &Instance| measure_once(bench, instance, &tls, rate).await;
    bench.compare_warm(heading, Mode::Https, measure).await
}

async fn measure_once(
    bench: &Bench<'_>,
    instance: &Instance,
    tls: &Tls,
    rate: u32,
) -> anyhow::Result<Outcome> {
    let server = &instance.server;
    let path = Sizes::Even.path(*Tier::L1.objects().start());
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = tls.connect(server.tls).await?;
        connection.get(&path).await?;
        connections.push(connection);
    }
    let schedule = Schedule {
        start: Instant::now() + LEAD,
        rate,
        length: Duration::from_secs(bench.flags.terms.seconds.into()),
    };
    let load = converse(connections, &path, schedule);
    let (answered, window) = watch(server, &bench.origin, load).await?;
    let mut sample = window
        .credentials(server, answered.latencies_us.len() as u64)
        .await?;
    let outcome = answered.outcome(schedule);
    sample.extend(outcome.sample);
    Ok(Outcome { sample, ..outcome })
}

/// When requests are due.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    start: Instant,
    /// Requests per second, of all connections.
    rate: u32,
    length: Duration,
}

impl Schedule {
    /// Requests that are due in all.
    fn offered(self) -> u64 {
        u64::from(self.rate) * self.length.as_secs()
    }

    /// The moments at which a connection's requests are due: connections take turns.
    fn of(self, connection: u32) -> impl Iterator<Item = Instant> {
        let places = (u64::from(connection)..self.offered()).step_by(CONNECTIONS as usize);
        places
            .map(move |place| self.start + Duration::from_nanos(place * 1_000_000_000 / u64::from(self.rate)))
    }

    /// When it no longer makes sense to go on with a server that falls behind.
    fn give_up(self) -> Instant {
        self.start + 2 * self.length
    }
}

/// What came of a schedule.
#[derive(Debug, Default)]
struct Answered {
    latencies_us: Vec<u32>,
    /// From the start to the last answer.
    took: Duration,
}

/// Makes all connections ask as scheduled.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    connections: Vec<Client<S>>,
    path: &str,
    schedule: Schedule,
) -> anyhow::Result<Answered> {
    let mut conversations = JoinSet::new();
    for (place, mut client) in (0..).zip(connections) {
        let path = path.to_owned();
        conversations.spawn(async move {
            let (alarm, mut latencies_us) = (Alarm::new()?, Vec::new());
            for due in schedule.of(place) {
                let free = Instant::now();
                if free > schedule.give_up() {
                    break;
                }
                alarm.at(due).await?;
                let sent = if free > due { due } else { Instant::now() };
                client.get(&path).await?;
                latencies_us.push(u32::try_from(sent.elapsed().as_micros())?);
            }
            anyhow::Ok(latencies_us)
        });
    }
    let mut answered = Answered::default();
    while let Some(ended) = conversations.join_next().await {
        answered.latencies_us.extend(ended??);
    }
    answered.took = schedule.start.elapsed();
    Ok(answered)
}

impl Answered {
    /// Percentiles, if the rate was reached: those of fewer requests would flatter.
    fn outcome(mut self, schedule: Schedule) -> Outcome {
        let took = self.took.max(schedule.length).as_secs_f64();
        let reached = self.latencies_us.len() as f64 / took;
        let mut sample = Sample::from([(Measure::ReachedPerSecond, reached)]);
        let rate = schedule.rate;
        if reached < f64::from(rate) * REACHED_MIN {
            let fault = format!("it reached only {reached:.0} of the {rate} requests/s offered");
            return Outcome {
                sample,
                fault: Some(fault),
            };
        }
        for (measure, per_mille) in [
            (Measure::P50Us, 500),
            (Measure::P99Us, 990),
            (Measure::P999Us, 999),
        ] {
            let value = percentile(&mut self.latencies_us, per_mille);
            sample.extend(value.map(|value| (measure, value)));
        }
        sample.into()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::sleep;

    use super::*;

    fn schedule(rate: u32, seconds: u64) -> Schedule {
        Schedule {
            start: Instant::now(),
            rate,
            length: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn connections_take_turns_evenly() {
        let schedule = schedule(20_000, 5);
        let mut due: Vec<_> = (0..CONNECTIONS)
            .flat_map(|connection| schedule.of(connection))
            .collect();
        due.sort_unstable();
        assert_eq!(due.len() as u64, schedule.offered());
        assert_eq!(due[0], schedule.start);
        for pair in due.windows(2) {
            assert_eq!(pair[1] - pair[0], Duration::from_micros(50));
        }
    }

    #[tokio::test]
    async fn what_is_due_while_a_server_stalls_counts_from_when_it_was_due() {
        const STALL: Duration = Duration::from_millis(200);
        const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n";
        let (near, mut far) = tokio::io::duplex(1 << 10);
        tokio::spawn(async move {
            for place in 0.. {
                let mut request = [0; REQUEST.len()];
                far.read_exact(&mut request).await.unwrap();
                if place == 0 {
                    sleep(STALL).await;
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                far.write_all(answer).await.unwrap();
            }
        });
        // One connection of all, which has a request due every 10 ms.
        let client = Client::new(near, "127.0.0.1:1".parse().unwrap());
        let answered = converse(vec![client], "/", schedule(100 * CONNECTIONS, 1)).await;
        let latencies_us = answered.unwrap().latencies_us;
        assert_eq!(latencies_us.len(), 100);
        for (place, latency_us) in (0..20).zip(latencies_us) {
            let left = STALL - Duration::from_millis(10) * place;
            assert!(
                latency_us >= u32::try_from(left.as_micros()).unwrap() - 1_000,
                "{place}: {latency_us}"
            );
        }
    }

    #[test]
    fn a_reached_rate_has_percentiles() {
        let answered = Answered {
            latencies_us: (1..=10_000).collect(),
            took: Duration::from_millis(5_020),
        };
        let outcome = answered.outcome(schedule(2_000, 5));
        assert_eq!(outcome.fault, None);
        assert_eq!(outcome.sample[&Measure::P50Us], 5_000.0);
        assert_eq!(outcome.sample[&Measure::P99Us], 9_900.0);
        assert_eq!(outcome.sample[&Measure::P999Us], 9_990.0);
    }

    #[test]
    fn a_rate_that_was_not_reached_has_none() {
        let answered = Answered {
            latencies_us: vec![100; 10_000],
            took: Duration::from_secs(8),
        };
        let outcome = answered.outcome(schedule(2_000, 5));
        assert_eq!(
            outcome.fault.unwrap(),
            "it reached only 1250 of the 2000 requests/s offered"
        );
        assert_eq!(
            outcome.sample,
            Sample::from([(Measure::ReachedPerSecond, 1_250.0)])
        );
    }
}
