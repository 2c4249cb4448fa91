//! What comes before a measurement: objects get into the cache, and are seen to be answered from there.

use std::time::Duration;

use anyhow::bail;
use tokio::time::sleep;

use crate::ask;
use crate::load::{self, Method, Mode};
use crate::peer::Peer;
use crate::server::Server;
use crate::tier::Tier;

/// How often all objects are read at most until all are hits. The first time fetches them; Proxima writes to the ring
/// behind its answers, so the second may come too early for the last of them.
const PASSES: usize = 10;
/// Pause between two of these.
const PAUSE: Duration = Duration::from_millis(100);

/// Brings the tier's objects into the cache, makes sure that they are answered from there, and gets the server into
/// its stride.
pub(crate) async fn warm_up(mode: Mode, server: &Server, method: &Method<'_>) -> anyhow::Result<()> {
    fill(mode, server, method).await?;
    load::run(mode, server, 1, method).await?;
    Ok(())
}

async fn fill(mode: Mode, server: &Server, method: &Method<'_>) -> anyhow::Result<()> {
    let mut fault = None;
    for _ in 0..PASSES {
        fault = fault_of_pass(mode, server, method).await?;
        if fault.is_none() {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    let (peer, tier) = (server.peer, method.tier.as_str());
    bail!(
        "{peer} does not answer from {tier}: {}",
        fault.unwrap_or_default()
    );
}

/// Reads all objects; returns why not all of the answers are hits of the tier.
async fn fault_of_pass(mode: Mode, server: &Server, method: &Method<'_>) -> anyhow::Result<Option<String>> {
    let asked = method.origin.asked();
    for status in ask::for_all(mode, server, method.tier).await? {
        // The others do not say; there the origin's count and the node's have to do.
        let status = status.unwrap_or_default();
        if server.peer == Peer::Proxima && !is_hit_of(method.tier, &status) {
            return Ok(Some(format!("Cache-Status is {status:?}")));
        }
    }
    let fetched = method.origin.asked() - asked;
    Ok((fetched > 0).then(|| format!("the origin was asked {fetched} times")))
}

/// Whether a `Cache-Status` (RFC 9211) with Proxima alone in it says so.
fn is_hit_of(tier: Tier, status: &str) -> bool {
    let mut parameters = status.split("; ").skip(1);
    let detail = format!("detail={}", tier.as_str());
    parameters.next() == Some("hit") && parameters.any(|parameter| parameter == detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_names_its_tier() {
        let cases = [
            ("Proxima-bench; hit; ttl=86399; detail=l2", true),
            ("Proxima-bench; hit; ttl=86399; detail=l1", false),
            ("Proxima-bench; fwd=uri-miss; stored", false),
            ("Proxima-bench; fwd=stale; detail=l2", false),
            ("Proxima-bench; hit", false),
            ("", false),
        ];
        for (status, expected) in cases {
            assert_eq!(is_hit_of(Tier::L2, status), expected, "{status}");
        }
        assert!(is_hit_of(Tier::L1, cases[1].0));
    }
}
