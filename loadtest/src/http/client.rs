//! A VU's client: one exchange after another, or several at the same time.

use std::rc::Rc;
use std::time::Instant;

use super::connect::connect;
use super::exchange::{Exchange, Progress};
use super::failure::Failure;
use super::h1;
use super::network::Network;
use super::pool::Pool;
use super::request::Request;
use super::response::Response;
use super::retry::Broken;
use super::target::Origin;

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
            outcome,
        }
    }

    /// Closes all idle connections: a VU's next iteration is a new user.
    pub fn forget_connections(&self) {
        self.pool.clear();
    }

    async fn attempt(&self, request: &Request, progress: &mut Progress) -> Result<Response, Failure> {
        if let Some((origin, connection)) = self.pool.take(request.target.origin()) {
            match self.over_http1(origin, connection, request, progress).await {
                Ok(response) => return Ok(response),
                Err(broken) if broken.may_retry(request) => {}
                Err(broken) => return Err(broken.failure),
            }
        }
        // Rare, and large: on the heap, so that the common case stays small.
        Box::pin(self.over_new(request, progress)).await
    }

    async fn over_new(&self, request: &Request, progress: &mut Progress) -> Result<Response, Failure> {
        let deadline = progress.deadline;
        let origin = request.target.origin();
        let connected = tokio::time::timeout_at(deadline, connect(&self.network, origin, progress)).await;
        let (link, _) = connected.unwrap_or_else(|_| Err(Failure::timeout()))?;
        let connection = Box::new(h1::Connection::new(link, deadline));
        self.over_http1(origin.clone(), connection, request, progress)
            .await
            .map_err(|broken| broken.failure)
    }

    async fn over_http1(
        &self,
        origin: Origin,
        mut connection: Box<h1::Connection>,
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
}
