//! Waiting until a proxy has stored what it has answered.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proxima_local::Proxy;
use tokio::sync::Mutex;

/// The fills of a proxy, as its metrics show them. Whoever waits shares the looks of the others.
pub(super) struct Fills {
    proxy: Arc<Proxy>,
    client: reqwest::Client,
    last: Mutex<Look>,
}

#[derive(Clone, Copy, Default)]
struct Look {
    /// When it was begun, in seconds since 1970.
    at: f64,
    /// When the oldest fill under way began; none is infinity.
    oldest: f64,
}

impl Fills {
    pub(super) fn of(proxy: Arc<Proxy>, client: reqwest::Client) -> Self {
        Self {
            proxy,
            client,
            last: Mutex::default(),
        }
    }

    /// Returns when every fill that is under way now has ended, the ring included.
    pub(super) async fn settled(&self) -> Result<(), String> {
        let since = now();
        while now() - since < super::ANSWER_TIMEOUT.as_secs_f64() {
            let look = {
                let mut last = self.last.lock().await;
                if last.at <= since || last.oldest <= since {
                    *last = self.look().await?;
                }
                *last
            };
            if look.at > since && look.oldest > since {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        Err(format!("{} is still filling", self.proxy.name()))
    }

    /// Returns when the proxy uses its ring, which it looks for behind its start.
    pub(super) async fn ring_is_in(&self) -> Result<(), String> {
        let since = now();
        while now() - since < super::ANSWER_TIMEOUT.as_secs_f64() {
            if gauge(&self.metrics().await?, "proxima_ring_node_in") == Some(1.0) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        Err(format!("{} does not find its ring", self.proxy.name()))
    }

    async fn look(&self) -> Result<Look, String> {
        let at = now();
        let text = self.metrics().await?;
        let fills = gauge(&text, "proxima_fills_in_flight").ok_or("the proxy does not count its fills")?;
        let oldest = gauge(&text, "proxima_fills_oldest_start_time_seconds");
        let oldest = oldest.ok_or("the proxy dates no fills")?;
        let oldest = if fills > 0.0 { oldest } else { f64::INFINITY };
        Ok(Look { at, oldest })
    }

    async fn metrics(&self) -> Result<String, String> {
        let url = format!("{}/metrics", self.proxy.admin_url());
        let answer = self
            .client
            .get(url)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        answer.text().await.map_err(|error| error.to_string())
    }
}

/// The first sample of a metric.
fn gauge(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn now() -> f64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.unwrap_or_default().as_secs_f64()
}
