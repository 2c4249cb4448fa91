//! A sustained load of reads over kept connections, and what has come of each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proxima_local::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Clients, each with a connection of its own.
const CONNECTIONS: usize = 16;
/// Reads per second that they come to together, as long as the answers keep up.
const RATE: f64 = 2400.0;
/// What was asked for in fact, reads per second.
pub(crate) const RATE_MIN: f64 = 2000.0;

/// One connection to a proxy's plain listener, and the last answer on it.
pub(crate) struct Client {
    socket: TcpStream,
    answer: Vec<u8>,
    head_bytes: usize,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            answer: Vec::new(),
            head_bytes: 0,
        }
    }

    /// Asks and reads the whole answer; its status.
    pub(crate) async fn get(&mut self, path: &str) -> std::io::Result<u16> {
        self.send(path).await?;
        self.receive().await
    }

    pub(crate) async fn send(&mut self, path: &str) -> std::io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: text/plain\r\n\r\n");
        self.socket.write_all(request.as_bytes()).await
    }

    pub(crate) async fn receive(&mut self) -> std::io::Result<u16> {
        self.answer.clear();
        let end = b"\r\n\r\n";
        while !self.answer.windows(end.len()).any(|window| window == end) {
            self.read_more().await?;
        }
        let head_end = self.answer.windows(end.len()).position(|window| window == end);
        self.head_bytes = head_end.unwrap() + end.len();
        let length: usize = self.field("content-length").parse().unwrap();
        while self.answer.len() < self.head_bytes + length {
            self.read_more().await?;
        }
        Ok(self.head()[9..12].parse().unwrap())
    }

    async fn read_more(&mut self) -> std::io::Result<()> {
        match self.socket.read_buf(&mut self.answer).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn head(&self) -> &str {
        std::str::from_utf8(&self.answer[..self.head_bytes]).unwrap()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.answer[self.head_bytes..]
    }

    /// A field of the last answer; empty when it has none.
    pub(crate) fn field(&self, name: &str) -> &str {
        let fields = self.head().lines().filter_map(|line| line.split_once(": "));
        fields
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
            .unwrap_or_default()
    }

    pub(crate) fn cache_status(&self) -> &str {
        self.field("cache-status")
    }
}

/// What is read: `{prefix}{number}` for the numbers from 1 to as many as there are versions.
pub(crate) struct Keys {
    prefix: &'static str,
    /// The version that each must have from now on, as `Version N` in its body.
    versions: Vec<AtomicU64>,
    /// Numbers that are drawn for a read by chance, of which it takes the lowest: from 2 on low ones are read more often.
    pub(crate) draws: usize,
}

impl Keys {
    pub(crate) fn new(prefix: &'static str, count: usize) -> Self {
        Self {
            prefix,
            versions: (0..count).map(|_| AtomicU64::new(0)).collect(),
            draws: 1,
        }
    }

    pub(crate) fn path(&self, number: usize) -> String {
        format!("{}{number}", self.prefix)
    }

    pub(crate) fn count(&self) -> usize {
        self.versions.len()
    }

    /// From now on an older version is a lie.
    pub(crate) fn demand(&self, number: usize, version: u64) {
        self.versions[number - 1].store(version, Ordering::SeqCst);
    }

    fn demanded(&self, number: usize) -> u64 {
        self.versions[number - 1].load(Ordering::SeqCst)
    }
}

/// `N` of the `Version N` in a body, or else 0.
pub(crate) fn version_in(body: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(body);
    let digits = text.split_once("Version ").map_or("", |(_, rest)| rest);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(0)
}

/// A read that was answered as it should be.
#[derive(Debug, Clone, Copy)]
struct Read {
    sent: Instant,
    took: Duration,
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    reads: Vec<Read>,
    problems: Vec<String>,
}

/// A load that is on.
pub(crate) struct Load {
    started: Instant,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Seen>>,
}

impl Load {
    /// Every client reads from one of the proxies.
    pub(crate) fn start(proxies: &[Arc<Proxy>], keys: &Arc<Keys>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..CONNECTIONS).map(|number| {
            let address = proxies[number % proxies.len()].http_address();
            tokio::spawn(read_on(number, address, Arc::clone(keys), Arc::clone(&stop)))
        });
        Self {
            clients: clients.collect(),
            started: Instant::now(),
            stop,
        }
    }

    /// Ends the load. Every read was answered with 200 and nothing older than what was demanded when it was sent, and there
    /// were enough of them.
    pub(crate) async fn finish(self) -> Reads {
        self.stop.store(true, Ordering::Relaxed);
        let lasted = self.started.elapsed();
        let (mut reads, mut problems) = (Vec::new(), Vec::new());
        for client in self.clients {
            let seen = client.await.unwrap();
            reads.extend(seen.reads);
            problems.extend(seen.problems);
        }
        let first: Vec<_> = problems.iter().take(5).collect();
        assert!(
            problems.is_empty(),
            "{} of {} reads: {first:#?}",
            problems.len(),
            reads.len()
        );
        let rate = reads.len() as f64 / lasted.as_secs_f64();
        assert!(rate >= RATE_MIN, "only {rate:.0} reads a second");
        Reads(reads)
    }
}

/// Everything that was read.
pub(crate) struct Reads(Vec<Read>);

impl Reads {
    /// 99 of 100 reads that were sent between two moments took no longer.
    pub(crate) fn p99(&self, from: Instant, to: Instant) -> Duration {
        let sent = self.0.iter().filter(|read| (from..to).contains(&read.sent));
        let mut took: Vec<_> = sent.map(|read| read.took).collect();
        took.sort_unstable();
        took[took.len() * 99 / 100]
    }
}

async fn read_on(number: usize, address: SocketAddr, keys: Arc<Keys>, stop: Arc<AtomicBool>) -> Seen {
    let pause = Duration::from_secs(1).mul_f64(CONNECTIONS as f64 / RATE);
    let mut seen = Seen::default();
    let mut client = Client::connect(address).await;
    let mut choice = Choice::new(number, &keys);
    let mut due = tokio::time::Instant::now();
    while !stop.load(Ordering::Relaxed) {
        due += pause; // who is late catches up
        tokio::time::sleep_until(due).await;
        let key = choice.next(&keys);
        let (demanded, sent) = (keys.demanded(key), Instant::now());
        match client.get(&keys.path(key)).await {
            Ok(200) if version_in(client.body()) >= demanded => seen.reads.push(Read {
                sent,
                took: sent.elapsed(),
            }),
            Ok(status) => seen.problems.push(format!(
                "{} of {address}: {status}, version {} instead of {demanded}, {}",
                keys.path(key),
                version_in(client.body()),
                client.cache_status()
            )),
            Err(error) => {
                seen.problems
                    .push(format!("{} of {address}: {error}", keys.path(key)));
                return seen;
            }
        }
    }
    seen
}

/// Which key a client reads next: by turns by chance, and in order, so that none is forgotten.
struct Choice {
    random: u64,
    place: usize,
    by_chance: bool,
}

impl Choice {
    fn new(client: usize, keys: &Keys) -> Self {
        Self {
            random: client as u64 + 1,
            place: client * keys.count() / CONNECTIONS,
            by_chance: false,
        }
    }

    fn next(&mut self, keys: &Keys) -> usize {
        self.by_chance = !self.by_chance;
        if self.by_chance {
            let lowest = (0..keys.draws).map(|_| self.draw(keys.count())).min();
            return 1 + lowest.unwrap_or_default();
        }
        self.place = (self.place + 1) % keys.count();
        1 + self.place
    }

    fn draw(&mut self, below: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from((self.random >> 33) % below as u64).unwrap()
    }
}
