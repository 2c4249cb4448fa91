//! What an origin says and what would become of it, for an explanation: nothing is stored.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use pingora::http::RequestHeader;

use super::{Job, timing};
use crate::fetch::FetchError;
use crate::fields;
use crate::policy::age::Timing;
use crate::policy::storing::{NotStored, Storable};

/// An origin's answer, without its body.
pub(crate) struct Trial {
    /// The origin as configured.
    pub(crate) origin: String,
    pub(crate) status: StatusCode,
    /// As they would be stored.
    pub(crate) headers: HeaderMap,
    pub(crate) timing: Timing,
    pub(crate) took: Duration,
    pub(crate) verdict: Result<Storable, NotStored>,
}

impl Job {
    /// What an origin would be sent.
    ///
    /// # Errors
    /// [`FetchError`] for a request that cannot be passed on.
    pub(crate) fn request(&self) -> Result<&RequestHeader, &FetchError> {
        self.request.as_ref()
    }

    /// Asks an origin, judges its answer as a fill would, and drops it.
    ///
    /// # Errors
    /// [`FetchError`] when no origin answers.
    pub(crate) async fn try_out(&self) -> Result<Trial, FetchError> {
        let request = self.request.as_ref().map_err(Clone::clone)?;
        let fetcher = &self.keeper.proxy.fetcher;
        let mut fetched = fetcher.get(request, &|_, _| ()).await?;
        let verdict = self.judge(&self.exchange(&fetched, fetched.status, &fetched.headers));
        fields::for_client(&mut fetched.headers, fetched.status, fetched.received_at);
        let trial = Trial {
            origin: fetched.origin().to_owned(),
            status: fetched.status,
            headers: fetched.headers.clone(),
            timing: timing(&fetched),
            took: fetched.took,
            verdict,
        };
        fetcher.release(fetched).await;
        Ok(trial)
    }
}
