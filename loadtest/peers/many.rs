//! Many reads at once, by a client of our own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::JoinSet;

use crate::client::Client;

/// Requests under way at a time, each on a connection of its own.
pub(crate) const CONNECTIONS: u32 = 64;

/// How much has to be read for somebody to want to know how far it is.
const LONG: u32 = 200_000;
/// How often that is told.
const TOLD: u32 = 10;

/// Reads `count` objects without TLS, the one at place `n` from `path(n)`. Says how far `what` is where that takes
/// long.
pub(crate) async fn read(
    what: &str,
    address: SocketAddr,
    count: u32,
    path: impl Fn(u32) -> String + Clone + Send + Sync + 'static,
) -> anyhow::Result<()> {
    let next = Arc::new(AtomicU32::new(0));
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS.min(count) {
        let (what, next, path) = (what.to_owned(), Arc::clone(&next), path.clone());
        connections.spawn(async move {
            let mut client = Client::connect(address).await?;
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= count {
                    return anyhow::Ok(());
                }
                if count >= LONG && place > 0 && place.is_multiple_of(count / TOLD) {
                    eprintln!("{what}: {place} of {count}");
                }
                client.get(&path(place)).await?;
            }
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Sizes;
    use crate::origin::Origin;

    #[tokio::test]
    async fn each_place_is_read_once() {
        let origin = Origin::start().await.unwrap();
        for (count, asked) in [(1, 1), (500, 501)] {
            read("", origin.address, count, |place| Sizes::Spread.path(place))
                .await
                .unwrap();
            assert_eq!(origin.asked(), asked);
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_none_ends_it() {
        let origin = Origin::start().await.unwrap();
        let read = read("", origin.address, 100, |_| "/elsewhere".to_owned());
        let error = format!("{:#}", read.await.unwrap_err());
        assert_eq!(error, "/elsewhere: the answer's status is 404");
    }
}
