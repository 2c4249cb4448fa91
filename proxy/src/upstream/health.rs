//! Health of one origin: active checks, and what requests themselves run into.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::protocols::http::client::HttpSession;
use pingora::upstreams::peer::HttpPeer;
use proxima_config::checked::Health as HealthConfig;

use super::{Origin, Upstreams};
use crate::fetch::{connector_options, reason};

/// Counts successes and failures in a row. A good request does not bring an origin back: only checks do, so that one
/// lucky answer does not send a region's traffic to it.
#[derive(Debug)]
pub(crate) struct Health {
    config: HealthConfig,
    healthy: AtomicBool,
    failures: AtomicU32,
    successes: AtomicU32,
}

impl Health {
    /// Healthy until found otherwise.
    pub(crate) fn new(config: HealthConfig) -> Self {
        Self {
            config,
            healthy: AtomicBool::new(true),
            failures: AtomicU32::new(0),
            successes: AtomicU32::new(0),
        }
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// A request or a check failed; `true` when that made the origin unhealthy.
    pub(crate) fn failed(&self) -> bool {
        self.successes.store(0, Ordering::Relaxed);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        failures >= self.config.unhealthy_after && self.healthy.swap(false, Ordering::Relaxed)
    }

    /// A request was answered.
    pub(crate) fn answered(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// A check was good; `true` when that made the origin healthy again.
    pub(crate) fn check_passed(&self) -> bool {
        self.failures.store(0, Ordering::Relaxed);
        let successes = self.successes.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        successes >= self.config.healthy_after && !self.healthy.swap(true, Ordering::Relaxed)
    }
}

/// Notes a failed request or check, and says so once when it takes the origin out.
pub(crate) fn note_failure(origin: &Origin, why: &str) {
    if origin.health.failed() {
        tracing::warn!(
            origin = origin.address.text,
            region = origin.region,
            why,
            "origin is unhealthy"
        );
    }
}

/// Checks every origin at its interval, for ever.
pub(crate) async fn check_all(upstreams: Arc<Upstreams>) {
    let connector = Arc::new(Connector::new(Some(connector_options(&upstreams))));
    let mut ticks = tokio::time::interval(upstreams.config().health.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let checks: Vec<_> = upstreams
            .all()
            .iter()
            .map(|origin| {
                let (origin, upstreams, connector) =
                    (Arc::clone(origin), Arc::clone(&upstreams), Arc::clone(&connector));
                tokio::spawn(async move { check_one(&origin, &upstreams, &connector).await })
            })
            .collect();
        for check in checks {
            let _ = check.await; // a check that panicked counts as not made
        }
    }
}

async fn check_one(origin: &Arc<Origin>, upstreams: &Upstreams, connector: &Connector) {
    let limit = upstreams.config().health.timeout;
    let outcome = match tokio::time::timeout(limit, ask(origin, upstreams, connector)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!(
            "no answer to the health check within {} ms",
            limit.as_millis()
        )),
    };
    match outcome {
        Ok(()) => {
            if origin.health.check_passed() {
                tracing::info!(
                    origin = origin.address.text,
                    region = origin.region,
                    "origin is healthy again"
                );
            }
        }
        Err(why) => note_failure(origin, &why),
    }
}

async fn ask(origin: &Arc<Origin>, upstreams: &Upstreams, connector: &Connector) -> Result<(), String> {
    let (mut session, peer) = connect(origin, upstreams, connector).await?;
    let Some(path) = &upstreams.config().health.path else {
        return Ok(());
    };
    let mut request = RequestHeader::build("GET", path.as_bytes(), None).map_err(|e| e.to_string())?;
    request
        .insert_header("host", origin.address.authority())
        .map_err(|e| e.to_string())?;
    request
        .insert_header("user-agent", "proxima-health")
        .map_err(|e| e.to_string())?;
    session
        .write_request_header(Box::new(request))
        .await
        .map_err(|e| e.to_string())?;
    session.finish_request_body().await.map_err(|e| e.to_string())?;
    session.read_response_header().await.map_err(|e| e.to_string())?;
    let status = session
        .response_header()
        .map_or(0, |header| header.status.as_u16());
    while session
        .read_response_body()
        .await
        .map_err(|e| e.to_string())?
        .is_some()
    {}
    connector
        .release_http_session(session, &peer, Some(upstreams.config().idle_timeout))
        .await;
    if (200..400).contains(&status) {
        return Ok(());
    }
    Err(format!("the health check was answered {status}"))
}

async fn connect(
    origin: &Arc<Origin>,
    upstreams: &Upstreams,
    connector: &Connector,
) -> Result<(HttpSession, HttpPeer), String> {
    let mut outcome = Err("its name has not resolved; check the name and this machine's DNS".to_owned());
    for candidate in origin.candidates() {
        let peer = candidate.peer(upstreams.config());
        match connector.get_http_session(&peer).await {
            Ok((session, _)) => return Ok((session, peer)),
            Err(error) => outcome = Err(reason(&error)),
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_takes_several_in_a_row_either_way() {
        let health = Health::new(HealthConfig {
            path: None,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            unhealthy_after: 2,
            healthy_after: 2,
        });
        assert!(!health.failed());
        health.answered();
        assert!(!health.failed(), "an answer in between starts the count anew");
        assert!(health.failed());
        assert!(!health.is_healthy());
        assert!(!health.failed(), "said once");
        assert!(!health.check_passed());
        assert!(!health.is_healthy());
        assert!(health.check_passed());
        assert!(health.is_healthy());
    }
}
