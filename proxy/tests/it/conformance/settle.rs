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

    async fn look(&self) -> Result<Look, String> {
        let at = now();
        let url = format!("{}/metrics", self.proxy.admin_url());
        let answer = self
            .client
            .get(url)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        let gauge = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.rsplit(' ').next()?.parse::<f64>().ok()
        };
        let fills = gauge("proxima_fills_in_flight").ok_or("the proxy does not count its fills")?;
        let oldest = gauge("proxima_fills_oldest_start_time_seconds").ok_or("the proxy dates no fills")?;
        let oldest = if fills > 0.0 { oldest } else { f64::INFINITY };
        Ok(Look { at, oldest })
    }
}

fn now() -> f64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.unwrap_or_default().as_secs_f64()
}
