//! One GET to the nearest origin that answers, through pingora's client connector.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pingora::connectors::ConnectorOptions;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::protocols::http::client::HttpSession;
use pingora::upstreams::peer::HttpPeer;

use crate::clock::UnixMillis;
use crate::metrics::Metrics;
use crate::upstream::gate::{Gate, Overload, Pass};
use crate::upstream::health::note_failure;
use crate::upstream::{Candidate, Origin, Upstreams};

/// Connections to all origins that are kept for reuse.
const POOL_CONNECTIONS_MAX: usize = 1024;

/// No origin gave an answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no origin can be tried: check their names and this machine's DNS")]
    NoOrigin,
    #[error("the fetch was given up")]
    GivenUp,
    #[error("origin {origin}: {why}")]
    Failed { origin: String, why: String },
    #[error("origin {origin}: no answer in time ({why})")]
    TimedOut { origin: String, why: String },
    #[error("too many reads wait for the origins: retry in {retry_after_s} s")]
    Overloaded { retry_after_s: u32 },
}

impl FetchError {
    /// 502, 503 or 504 (RFC 9110 sections 15.6.3 to 15.6.5).
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoOrigin | Self::GivenUp | Self::Failed { .. } => StatusCode::BAD_GATEWAY,
        }
    }

    /// Seconds after which another attempt may fare better; `None` where nothing can be said of that.
    pub(crate) fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Overloaded { retry_after_s } => Some(*retry_after_s),
            _ => None,
        }
    }

    /// Whether it is this proxy that asks no more of the origins, and no origin that failed.
    pub(crate) fn is_overload(&self) -> bool {
        matches!(self, Self::Overloaded { .. })
    }
}

/// Takes what an origin says before its answer.
pub(crate) type HandOn<'h> = dyn Fn(StatusCode, &HeaderMap) + Send + Sync + 'h;

/// How one attempt failed.
enum Failure {
    /// Nothing was sent: another address of the same origin may do.
    Connect(FetchError),
    Exchange(FetchError),
}

/// Options for every connector to origins.
pub(crate) fn connector_options(upstreams: &Upstreams) -> ConnectorOptions {
    let mut options = ConnectorOptions::new(POOL_CONNECTIONS_MAX);
    options.ca_file = upstreams
        .config()
        .ca
        .as_ref()
        .map(|path| path.display().to_string());
    options
}

/// Fetches for fills.
pub(crate) struct Fetcher {
    connector: Connector,
    /// Where fetches wait for their turn.
    pub(crate) gate: Arc<Gate>,
    upstreams: Arc<Upstreams>,
    metrics: Arc<Metrics>,
}

/// An origin's answer whose body has yet to be read.
pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) requested_at: UnixMillis,
    pub(crate) received_at: UnixMillis,
    pub(crate) took: Duration,
    connection: Box<Connection>,
    origin: Arc<Origin>,
    /// Held until the answer has been read whole: with its last piece a client may already ask for more.
    pass: Option<Pass>,
}

/// A connection that an answer comes on, and what it leads to. In a box, since answers are handed from one to the next.
struct Connection {
    session: HttpSession,
    peer: HttpPeer,
}

impl Fetcher {
    pub(crate) fn new(upstreams: Arc<Upstreams>, metrics: Arc<Metrics>) -> Self {
        let connector = Connector::new(Some(connector_options(&upstreams)));
        Self {
            connector,
            gate: Gate::new(upstreams.config()),
            upstreams,
            metrics,
        }
    }

    /// Sends a safe request without a body to the origins once it is its turn, and hands on what they say before their answers.
    ///
    /// # Errors
    /// The last origin's failure when none answers; [`FetchError::Overloaded`], without a word to any origin, when too many
    /// are being asked already.
    pub(crate) async fn get(
        &self,
        request: &RequestHeader,
        hand_on: &HandOn<'_>,
    ) -> Result<Fetched, FetchError> {
        let pass = self
            .gate
            .enter()
            .await
            .map_err(|overload| self.refused(overload))?;
        // boxed: pingora's states are large, and whoever waits here would carry them from place to place
        let mut fetched = Box::pin(self.ask_in_order(request, hand_on)).await?;
        fetched.pass = (!fetched.is_done()).then_some(pass);
        Ok(fetched)
    }

    fn refused(&self, overload: Overload) -> FetchError {
        let Overload {
            reason,
            retry_after_s,
        } = overload;
        let refusals = &self.metrics.origin_fetches_refused;
        refusals.with_label_values(&[reason.as_str()]).inc();
        FetchError::Overloaded { retry_after_s }
    }

    /// Asks the origins in order until one answers. An answer that says that the origin cannot serve (502, 503, 504) counts
    /// only when no other origin does better.
    async fn ask_in_order(
        &self,
        request: &RequestHeader,
        hand_on: &HandOn<'_>,
    ) -> Result<Fetched, FetchError> {
        let mut outcome = Err(FetchError::NoOrigin);
        let mut passed: Option<Arc<Origin>> = None;
        for candidate in self.upstreams.candidates() {
            let origin = &candidate.origin;
            if passed.as_ref().is_some_and(|passed| Arc::ptr_eq(passed, origin)) {
                continue;
            }
            match self.ask(&candidate, request, hand_on).await {
                Ok(fetched) if matches!(fetched.status.as_u16(), 502..=504) => {
                    self.count(origin, "unavailable");
                    note_failure(origin, "it answers that it is unavailable");
                    passed = Some(Arc::clone(origin));
                    outcome = Ok(fetched);
                }
                Ok(fetched) => {
                    self.count(origin, "answered");
                    origin.health.answered();
                    return Ok(fetched);
                }
                Err(Failure::Connect(error)) => {
                    self.count(origin, "failed");
                    candidate.refused(&error.to_string());
                    outcome = outcome.or(Err(error));
                }
                Err(Failure::Exchange(error)) => {
                    self.count(origin, "failed");
                    note_failure(origin, &error.to_string());
                    passed = Some(Arc::clone(origin));
                    outcome = outcome.or(Err(error));
                }
            }
        }
        outcome
    }

    fn count(&self, origin: &Origin, result: &str) {
        self.metrics
            .origin_requests
            .with_label_values(&[origin.region.as_str(), result])
            .inc();
    }

    async fn ask(
        &self,
        candidate: &Candidate,
        request: &RequestHeader,
        hand_on: &HandOn<'_>,
    ) -> Result<Fetched, Failure> {
        let origin = &candidate.origin;
        let peer = candidate.peer(self.upstreams.config());
        loop {
            let requested_at = UnixMillis::now();
            let started = Instant::now();
            let connected = self.connector.get_http_session(&peer).await;
            let (mut session, reused) =
                connected.map_err(|error| Failure::Connect(explain(origin, &error)))?;
            let read_timeout = self.upstreams.config().read_timeout;
            match exchange(&mut session, request, read_timeout, hand_on).await {
                Ok((status, headers)) => {
                    let took = started.elapsed();
                    let durations = &self.metrics.origin_duration;
                    durations
                        .with_label_values(&[origin.region.as_str()])
                        .observe(took.as_secs_f64());
                    return Ok(Fetched {
                        status,
                        headers,
                        requested_at,
                        received_at: UnixMillis::now(),
                        took,
                        connection: Box::new(Connection { session, peer }),
                        origin: Arc::clone(origin),
                        pass: None,
                    });
                }
                // the origin closed an idle connection as we picked it: that says nothing about its health
                Err(error) if reused && !is_timeout(&error) => session.shutdown().await,
                Err(error) => {
                    session.shutdown().await;
                    return Err(Failure::Exchange(explain(origin, &error)));
                }
            }
        }
    }

    /// Gives the connection back for reuse, if the body was read to its end.
    pub(crate) async fn release(&self, fetched: Fetched) {
        let Connection { mut session, peer } = *fetched.connection;
        if session.response_done() {
            let idle = Some(self.upstreams.config().idle_timeout);
            self.connector.release_http_session(session, &peer, idle).await;
        } else {
            session.shutdown().await;
        }
    }
}

impl Fetched {
    /// The next piece of the body, and whether it is known to be the last.
    ///
    /// # Errors
    /// When the origin breaks off or stays silent for too long.
    pub(crate) async fn next(&mut self) -> Result<Option<(Bytes, bool)>, FetchError> {
        let session = &mut self.connection.session;
        let chunk = session
            .read_response_body()
            .await
            .map_err(|error| explain(&self.origin, &error))?;
        let last = session.response_done();
        if last || chunk.is_none() {
            self.pass = None;
        }
        Ok(chunk.map(|chunk| (chunk, last)))
    }

    /// The origin that answered, as configured.
    pub(crate) fn origin(&self) -> &str {
        &self.origin.address.text
    }

    /// Whether there is no body to read.
    pub(crate) fn is_done(&mut self) -> bool {
        self.connection.session.response_done()
    }
}

async fn exchange(
    session: &mut HttpSession,
    request: &RequestHeader,
    read_timeout: Duration,
    hand_on: &HandOn<'_>,
) -> pingora::Result<(StatusCode, HeaderMap)> {
    session.set_read_timeout(Some(read_timeout));
    session.write_request_header(Box::new(request.clone())).await?;
    session.finish_request_body().await?;
    loop {
        session.read_response_header().await?;
        let Some(header) = session.response_header() else {
            return pingora::Error::e_explain(
                pingora::ErrorType::InvalidHTTPHeader,
                "no header in the answer",
            );
        };
        if !header.status.is_informational() {
            return Ok((header.status, header.headers.clone()));
        }
        // 100 and 101 are answers to what was asked on this connection alone (RFC 9110 section 15.2)
        if !matches!(header.status.as_u16(), 100 | 101) {
            hand_on(header.status, &header.headers);
        }
    }
}

fn explain(origin: &Origin, error: &pingora::Error) -> FetchError {
    let (origin, why) = (origin.address.text.clone(), reason(error));
    if is_timeout(error) {
        FetchError::TimedOut { origin, why }
    } else {
        FetchError::Failed { origin, why }
    }
}

/// Whether an origin failed by silence.
pub(crate) fn is_timeout(error: &pingora::Error) -> bool {
    use pingora::ErrorType::{ConnectTimedout, ReadTimedout, TLSHandshakeTimedout, WriteTimedout};
    matches!(
        error.etype(),
        ConnectTimedout | ReadTimedout | TLSHandshakeTimedout | WriteTimedout
    )
}

/// What went wrong in a few words: for a client, so without addresses, backtraces or what the origin sent.
pub(crate) fn reason(error: &pingora::Error) -> String {
    use pingora::ErrorType as E;
    let words = match error.etype() {
        E::ConnectRefused => "connection refused",
        E::ConnectTimedout => "connect timed out",
        E::ConnectNoRoute => "no route",
        E::TLSHandshakeFailure | E::TLSHandshakeTimedout | E::InvalidCert => "TLS handshake failed",
        E::ReadTimedout => "silent for too long",
        E::WriteTimedout => "did not take the request",
        E::InvalidHTTPHeader | E::H1Error | E::H2Error | E::InvalidH2 => "the answer is not valid HTTP",
        E::ConnectionClosed | E::ReadError => "closed the connection before answering",
        E::WriteError => "closed the connection while the request was sent",
        other => other.as_str(),
    };
    words.to_owned()
}
