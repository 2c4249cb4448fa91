//! Asking memcached nodes what they hold.

use std::io;
use std::time::Duration;

use futures_util::future::join_all;
use proxima_config::checked::{NodeAddress, Ring, RingNode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::change::Holding;

/// Limit for one node, from connecting to its whole answer.
const DEADLINE: Duration = Duration::from_secs(1);
/// memcached's answer has some 3 KiB; what is larger comes from something else.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// Why a node did not say what it holds.
#[derive(Debug, thiserror::Error)]
pub(super) enum StatsError {
    #[error("is not asked over TLS")]
    Tls,
    #[error("cannot be asked: {0}")]
    Io(#[from] io::Error),
    #[error("does not answer within {} s", DEADLINE.as_secs())]
    Deadline,
    #[error("does not answer `stats` as memcached does")]
    NotMemcached,
}

/// Asks every node of a ring at once; answers in their order.
pub(super) async fn ask_all(ring: &Ring) -> Vec<Result<Holding, StatsError>> {
    let is_tls = ring.tls.is_some();
    let asked = ring.nodes.iter().map(|node| async move {
        if is_tls {
            return Err(StatsError::Tls);
        }
        let answer = tokio::time::timeout(DEADLINE, stats_of(node));
        let answer = answer.await.map_err(|_| StatsError::Deadline)??;
        Holding::of(&answer).ok_or(StatsError::NotMemcached)
    });
    join_all(asked).await
}

async fn stats_of(node: &RingNode) -> Result<String, StatsError> {
    match &node.address {
        NodeAddress::Tcp { host, port } => exchange(TcpStream::connect((host.as_str(), *port)).await?).await,
        NodeAddress::Unix(path) => exchange(UnixStream::connect(path).await?).await,
    }
}

/// Everything that is said until the connection ends, which `quit` asks for.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<String, StatsError> {
    stream.write_all(b"stats\r\nquit\r\n").await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    String::from_utf8(answer).map_err(|_| StatsError::NotMemcached)
}
