//! The way from the last region to the first one's proxy, as long as it is on the earth: on one machine all ways are
//! short, and nobody would see what a region near its users is worth.

use std::net::SocketAddr;
use std::time::Duration;

use proxima_local::World;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How far light gets in glass.
const GLASS_KM_PER_MS: f64 = 204.0;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks under way in each direction of a connection.
const CHUNKS_MAX: usize = 256;

/// Opens the way and returns its URL; `None` in a world of one region.
///
/// # Errors
/// When no port is free.
pub(crate) async fn listen(world: &World) -> anyhow::Result<Option<String>> {
    let [first, .., last] = world.regions() else {
        return Ok(None);
    };
    let km = world.distance_km(last.name(), first.name());
    let delay = Duration::from_secs_f64(km / GLASS_KM_PER_MS / 1e3);
    let at = relay(first.proxy().https_address(), delay).await?;
    Ok(Some(format!("https://localhost:{}", at.port())))
}

/// Listens, and passes every connection on to `to`; what is said arrives `delay` later at either end.
async fn relay(to: SocketAddr, delay: Duration) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(join(near, to, delay));
        }
    });
    Ok(at)
}

async fn join(near: TcpStream, to: SocketAddr, delay: Duration) -> std::io::Result<()> {
    let far = TcpStream::connect(to).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_reads, near_writes) = near.into_split();
    let (far_reads, far_writes) = far.into_split();
    tokio::spawn(carry(near_reads, far_writes, delay));
    carry(far_reads, near_writes, delay).await
}

/// Carries bytes from one end to the other, and the end of them.
async fn carry(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
) -> std::io::Result<()> {
    let (sender, mut under_way) = mpsc::channel(CHUNKS_MAX);
    tokio::spawn(async move {
        let mut buffer = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let chunk = (Instant::now() + delay, buffer[..count].to_vec());
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
    });
    while let Some((due, chunk)) = under_way.recv().await {
        sleep_until(due).await;
        to.write_all(&chunk).await?;
    }
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_takes_the_way_there_and_back_and_arrives_whole() {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let delay = Duration::from_millis(20);
        let at = relay(echo.local_addr().unwrap(), delay).await.unwrap();
        tokio::spawn(async move {
            let (mut peer, _) = echo.accept().await.unwrap();
            let (mut reads, mut writes) = peer.split();
            tokio::io::copy(&mut reads, &mut writes).await.unwrap();
        });
        let said = vec![7; 10 * CHUNK_BYTES + 1];
        let started = Instant::now();
        let mut client = TcpStream::connect(at).await.unwrap();
        client.write_all(&said).await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, said);
        assert!(started.elapsed() >= 2 * delay);
    }
}
