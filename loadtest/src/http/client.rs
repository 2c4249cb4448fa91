//! A VU's client: one exchange after another, or several at the same time.

use std::rc::Rc;
use std::time::Instant;

use tokio::time::timeout_at;

use super::connect::{Protocol, connect};
use super::exchange::{Exchange, Progress};
use super::failure::Failure;
use super::network::Network;
use super::pool::{DialOutcome, Pool};
use super::request::Request;
use super::response::Response;
use super::retry::Broken;
use super::target::Origin;
use super::{decode, http1, http2};

/// The connections of one VU.
#[derive(Debug)]
pub struct Client {
    network: Rc<Network>,
    pool: Pool,
}

impl Client {
    /// Without any connection.
    #[must_use]
    pub fn new(network: Rc<Network>) -> Self {
        Self {
            network,
            pool: Pool::default(),
        }
    }

    /// One request and its response; redirects are not followed. What goes wrong is in the outcome.
    pub async fn exchange(&self, request: &Request) -> Exchange {
        let mut progress = Progress::start(request.timeout);
        let outcome = self.attempt(request, &mut progress).await;
        let ended = Instant::now();
        Exchange {
            started: progress.started,
            started_unix_ns: self.network.unix_ns(progress.started),
            timings: progress.timings(ended),
            bytes_sent: progress.bytes_sent,
            bytes_received: progress.bytes_received,
            remote: progress.remote,
            tls: progress.tls,
            outcome: outcome.and_then(decode::body),
        }
    }

    /// Closes all idle connections: a VU's next iteration is a new user.
    pub fn forget_connections(&self) {
        self.pool.clear();
    }

    async fn attempt(&self, request: &Request, progress: &mut Progress) -> Result<Response, Failure> {
        let origin = request.target.origin();
        if let Some((origin, connection)) = self.pool.take(origin) {
            match self.over_http1(origin, connection, request, progress).await {
                Err(broken) if broken.may_retry(request) => {}
                done => return done.map_err(|broken| broken.failure),
            }
        } else if origin.secure
            && let Some((id, connection)) = self.pool.share(origin)
        {
            match Box::pin(self.over_http2(id, connection, request, progress)).await {
                Err(broken) if broken.may_retry(request) => {}
                done => return done.map_err(|broken| broken.failure),
            }
        }
        // Rare, and large: on the heap, so that the common case stays small.
        let done = Box::pin(self.over_new(request, progress)).await;
        done.map_err(|broken| broken.failure)
    }

    async fn over_new(&self, request: &Request, progress: &mut Progress) -> Result<Response, Broken> {
        let deadline = progress.deadline;
        let opened = timeout_at(deadline, self.open(request.target.origin(), progress)).await;
        let opened = opened.unwrap_or_else(|_| Err(Failure::timeout()));
        if opened.is_err()
            && let Some(traffic) = progress.dialled.take()
        {
            progress.account(&traffic);
        }
        match opened.map_err(Broken::late)? {
            Opened::Http1(link) => {
                let connection = Box::new(http1::Connection::new(*link, deadline));
                let origin = request.target.origin().clone();
                self.over_http1(origin, connection, request, progress).await
            }
            Opened::Http2(id, connection) => self.over_http2(id, connection, request, progress).await,
        }
    }

    /// Makes a connection, or waits for one that is being made and can be shared.
    async fn open(&self, origin: &Origin, progress: &mut Progress) -> Result<Opened, Failure> {
        if !origin.secure || self.network.no_connection_reuse {
            return self.dial(origin, progress).await;
        }
        let dial = self.pool.dial(origin);
        let first = dial.first.lock().await;
        if let Some((id, connection)) = self.pool.share(origin) {
            return Ok(Opened::Http2(id, connection));
        }
        let outcome = dial.outcome.borrow().clone();
        match outcome {
            Some(DialOutcome::Failed(failure)) => return Err(failure),
            Some(DialOutcome::Http1) => {
                drop(first);
                return self.dial(origin, progress).await;
            }
            None => {}
        }
        let opened = self.dial(origin, progress).await;
        *dial.outcome.borrow_mut() = match &opened {
            Ok(Opened::Http1(_)) => Some(DialOutcome::Http1),
            Ok(Opened::Http2(..)) => None,
            Err(failure) => Some(DialOutcome::Failed(failure.clone())),
        };
        opened
    }

    async fn dial(&self, origin: &Origin, progress: &mut Progress) -> Result<Opened, Failure> {
        let (link, protocol) = connect(&self.network, origin, progress).await?;
        if protocol == Protocol::Http1 {
            return Ok(Opened::Http1(Box::new(link)));
        }
        let connection = http2::Connection::start(link).await?;
        let id = self
            .pool
            .offer(origin.clone(), connection.clone(), self.network.idle_max.0);
        if self.network.no_connection_reuse {
            self.pool.discard(id);
        }
        Ok(Opened::Http2(id, connection))
    }

    async fn over_http1(
        &self,
        origin: Origin,
        mut connection: Box<http1::Connection>,
        request: &Request,
        progress: &mut Progress,
    ) -> Result<Response, Broken> {
        let close = self.network.no_connection_reuse || request.wants_close();
        let (response, reusable) = connection.exchange(request, close, progress).await?;
        if reusable {
            self.pool.put(origin, connection, self.network.idle_max);
        }
        Ok(response)
    }

    async fn over_http2(
        &self,
        id: u64,
        mut connection: http2::Connection,
        request: &Request,
        progress: &mut Progress,
    ) -> Result<Response, Broken> {
        let exchanged = timeout_at(progress.deadline, connection.exchange(request, progress)).await;
        let result = exchanged.unwrap_or_else(|_| {
            progress.account(connection.traffic());
            Err(Broken::late(Failure::timeout()))
        });
        if result.as_ref().is_err_and(|broken| !broken.spares_connection()) {
            self.pool.discard(id);
        }
        result
    }
}

/// A connection that was just made, or is shared.
enum Opened {
    Http1(Box<super::socket::Link>),
    Http2(u64, http2::Connection),
}
