//! One memcached node: its connections, its circuit, and what it has been like.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proxima_config::checked::{Ring as RingConfig, RingNode};
use tokio::time::{Instant as TokioInstant, timeout_at};
use tokio_rustls::TlsConnector;

use super::RingError;
use super::circuit::Circuit;
use super::command::Command;
use super::dial::{Dial, DialError};
use super::lane::{Coming, Lane, LaneConfig, LaneError, Reply};
use crate::clock::UnixMillis;

/// Weight of the newest measurement in the mean latency: 1/16.
const LATENCY_SHIFT: u32 = 4;

/// A node of the ring.
pub(crate) struct Node {
    pub(crate) label: String,
    pub(crate) config: RingNode,
    pub(crate) circuit: Circuit,
    pub(crate) tally: Tally,
    dial: Dial,
    lanes: Vec<Lane>,
    next_lane: AtomicUsize,
    timing: Timing,
}

/// Its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Timing {
    lookup: Duration,
    /// For stores too: nobody waits for them.
    connect: Duration,
    fail_after: u32,
}

/// What a node has been like since this proxy knows it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) stores: AtomicU64,
    pub(crate) failures: AtomicU64,
    /// Moving mean of the time to a reply, ns.
    latency_ns: AtomicU64,
}

impl Tally {
    fn took(&self, took: Duration) {
        let new = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX >> LATENCY_SHIFT);
        let old = self.latency_ns.load(Ordering::Relaxed);
        let mean = if old == 0 {
            new
        } else {
            old - (old >> LATENCY_SHIFT) + (new >> LATENCY_SHIFT)
        };
        // two at once lose one measurement, which a mean can do without
        self.latency_ns.store(mean, Ordering::Relaxed);
    }

    /// Moving mean of the time to a reply; zero before the first.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_nanos(self.latency_ns.load(Ordering::Relaxed))
    }
}

/// A connection to a node: versions that were told on it can be given back on it alone, since a server that was restarted in
/// between counts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnLane {
    pub(super) lane: usize,
    pub(super) connection: u64,
}

/// A request that is out.
pub(super) struct Sent {
    since: Instant,
    within: Duration,
    coming: Result<Coming, LaneError>,
}

impl Node {
    /// # Errors
    /// [`DialError`] for a name that TLS cannot check.
    pub(super) fn new(
        config: &RingNode,
        ring: &RingConfig,
        tls: Option<&TlsConnector>,
        value_bytes_max: usize,
    ) -> Result<Self, DialError> {
        let dial = Dial::new(&config.address, tls)?;
        let lane = LaneConfig {
            dial: dial.clone(),
            connect_timeout: ring.connect_timeout,
            silence_max: ring.connect_timeout.max(ring.lookup_timeout),
            value_bytes_max,
        };
        Ok(Self {
            label: config.label(),
            config: config.clone(),
            circuit: Circuit::default(),
            tally: Tally::default(),
            dial,
            lanes: (0..ring.connections).map(|_| Lane::new(lane.clone())).collect(),
            next_lane: AtomicUsize::new(0),
            timing: Timing {
                lookup: ring.lookup_timeout,
                connect: ring.connect_timeout,
                fail_after: ring.fail_after,
            },
        })
    }

    pub(super) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    pub(super) async fn resolves(&self) -> Result<(), RingError> {
        self.dial.resolves().await.map_err(|source| RingError::Resolve {
            node: self.label.clone(),
            source,
        })
    }

    /// A lane for the next request.
    pub(super) fn next_lane(&self) -> usize {
        self.next_lane.fetch_add(1, Ordering::Relaxed) % self.lanes.len()
    }

    /// Sends a request on a lane of its choice.
    pub(super) fn send(&self, lane: usize, key: &[u8], command: Command) -> Sent {
        self.send_on(lane, key, command, None)
    }

    fn send_on(&self, lane: usize, key: &[u8], command: Command, only_on: Option<u64>) -> Sent {
        let within = match command {
            Command::Set { .. } => self.timing.connect.max(self.timing.lookup),
            _ => self.timing.lookup,
        };
        Sent {
            since: Instant::now(),
            within,
            coming: self.lanes[lane].ask(key, command, only_on),
        }
    }

    /// Sends a request whose reply nobody waits for: it goes out if the node can be reached.
    pub(super) fn tell(&self, key: &[u8], command: Command) {
        if let Err(error) = self.lanes[self.next_lane()].tell(key, command) {
            tracing::debug!(node = self.label, %error, "a request was not sent");
        }
    }

    /// Waits for the reply to a request, within its deadline from when it was sent.
    pub(super) async fn reply(&self, sent: Sent) -> Result<Reply, RingError> {
        let reply = self.reply_of_piece(sent).await;
        if reply.as_ref().is_err_and(RingError::is_late) {
            self.note_failure();
        }
        reply
    }

    /// [`Self::reply`] to one of many large values: that they take longer than the deadline says more of their size than of
    /// the node.
    pub(super) async fn reply_of_piece(&self, sent: Sent) -> Result<Reply, RingError> {
        let deadline = TokioInstant::from_std(sent.since) + sent.within;
        let reply = match sent.coming {
            Ok(coming) => match timeout_at(deadline, coming).await {
                Ok(Ok(reply)) => reply,
                Ok(Err(_)) => Err(LaneError::Gone), // the lane ended with its node
                Err(_) => return Err(self.late(sent.within)),
            },
            Err(error) => Err(error),
        };
        match reply {
            Ok(reply) => {
                self.tally.took(sent.since.elapsed());
                self.circuit.succeeded();
                Ok(reply)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Asks and waits for the reply.
    pub(super) async fn ask(&self, key: &[u8], command: Command) -> Result<(Reply, OnLane), RingError> {
        let lane = self.next_lane();
        let reply = self.reply(self.send(lane, key, command)).await?;
        let on = OnLane {
            lane,
            connection: reply.connection,
        };
        Ok((reply, on))
    }

    /// [`Self::ask`] on one connection and no other.
    pub(super) async fn ask_on(&self, on: OnLane, key: &[u8], command: Command) -> Result<Reply, RingError> {
        let lane = on.lane % self.lanes.len();
        self.reply(self.send_on(lane, key, command, Some(on.connection)))
            .await
    }

    fn late(&self, after: Duration) -> RingError {
        RingError::Deadline {
            node: self.label.clone(),
            after,
        }
    }

    fn failed(&self, source: LaneError) -> RingError {
        // what this proxy does too much of, or finds no connection for, says nothing of the node
        if !matches!(source, LaneError::Busy | LaneError::Gone | LaneError::Usage(_)) {
            self.note_failure();
        }
        RingError::Node {
            node: self.label.clone(),
            source,
        }
    }

    fn note_failure(&self) {
        self.tally.failures.fetch_add(1, Ordering::Relaxed);
        if self.circuit.failed(self.timing.fail_after) {
            tracing::warn!(
                node = self.label,
                failures = self.circuit.failures(),
                "ring node taken out; the next on the ring stands in"
            );
        }
    }

    /// Asks over a new connection whether the node is well, and takes it in or out accordingly.
    pub(super) async fn probe(&self) {
        let asked = async {
            let lane = Lane::new(LaneConfig {
                dial: self.dial.clone(),
                connect_timeout: self.timing.connect,
                silence_max: self.timing.connect,
                value_bytes_max: 0,
            });
            let coming = lane.ask(b"", Command::Noop, None)?;
            coming.await.unwrap_or(Err(LaneError::Gone))
        };
        let answer = tokio::time::timeout(self.timing.connect, asked).await;
        match answer.unwrap_or(Err(LaneError::Silent(self.timing.connect))) {
            Ok(_) => {
                if self.circuit.close(UnixMillis::now()) {
                    tracing::info!(node = self.label, "ring node is back");
                }
            }
            Err(error) => {
                if self.circuit.open() {
                    tracing::warn!(
                        node = self.label,
                        %error,
                        "ring node is unreachable; check that memcached listens there. Reads go on without it"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
