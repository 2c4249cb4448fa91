//! A node that a test scripts, reply by reply.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

/// What the node does once it has read something.
pub(super) enum Lie {
    Says(Vec<u8>),
    SaysAndCloses(Vec<u8>),
}

pub(super) fn says(text: impl Into<Vec<u8>>) -> Lie {
    Lie::Says(text.into())
}

/// A scripted node. It answers `mn` as it should.
pub(super) struct Liar {
    address: String,
    reads: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Liar {
    /// Hands the script all lines of each read.
    pub(super) async fn start(script: impl Fn(&[&str]) -> Lie + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let reads = Arc::new(AtomicUsize::new(0));
        let (script, counted) = (Arc::new(script), Arc::clone(&reads));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, counted) = (Arc::clone(&script), Arc::clone(&counted));
                tokio::spawn(async move { serve(stream, &*script, &counted).await });
            }
        });
        Self {
            address,
            reads,
            accepting,
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// How often something was read.
    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, script: &impl Fn(&[&str]) -> Lie, reads: &AtomicUsize) {
    let mut input = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut input).await {
        reads.fetch_add(1, Ordering::Relaxed);
        let text = String::from_utf8_lossy(&input[..read]);
        let lines: Vec<_> = text.lines().collect();
        let (reply, ends) = match script(&lines) {
            _ if lines == ["mn"] => (b"MN\r\n".to_vec(), false),
            Lie::Says(reply) => (reply, false),
            Lie::SaysAndCloses(reply) => (reply, true),
        };
        if stream.write_all(&reply).await.is_err() || ends {
            return;
        }
    }
}

/// The number that a reply to this request has to repeat.
pub(super) fn opaque(line: &str) -> u32 {
    let word = line.split(' ').find_map(|word| word.strip_prefix('O'));
    word.unwrap().parse().unwrap()
}
