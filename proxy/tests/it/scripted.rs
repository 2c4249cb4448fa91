//! An origin that says exactly what a test wants, byte for byte, and counts what it is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
pub(crate) struct Asked {
    /// Request line and fields.
    pub(crate) head: String,
    /// How many requests came before, on all connections.
    pub(crate) number: usize,
}

impl Asked {
    /// The value of a field, empty when absent.
    pub(crate) fn field(&self, name: &str) -> &str {
        let line = self.head.lines().find(|line| {
            line.split_once(':')
                .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        });
        line.and_then(|line| line.split_once(':'))
            .map_or("", |(_, value)| value.trim())
    }

    /// `GET /path`.
    pub(crate) fn what(&self) -> &str {
        self.head.split(" HTTP/").next().unwrap_or_default()
    }
}

/// What to do with a request.
#[derive(Default)]
pub(crate) struct Say {
    /// Pause before saying anything.
    pub(crate) after: Duration,
    /// Pieces of the answer, with the pause before each.
    pub(crate) pieces: Vec<(Duration, Vec<u8>)>,
    /// Close the connection afterwards.
    pub(crate) close: bool,
}

/// A whole answer with a `Content-Length`.
pub(crate) fn answer(status: &str, fields: &[(&str, &str)], body: &str) -> Say {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    raw(text)
}

/// Bytes, whatever they are.
pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Say {
    Say {
        pieces: vec![(Duration::ZERO, bytes.into())],
        ..Say::default()
    }
}

impl Say {
    pub(crate) fn after(self, pause: Duration) -> Self {
        Self { after: pause, ..self }
    }

    pub(crate) fn then(mut self, pause: Duration, bytes: impl Into<Vec<u8>>) -> Self {
        self.pieces.push((pause, bytes.into()));
        self
    }

    pub(crate) fn close(self) -> Self {
        Self { close: true, ..self }
    }
}

/// A running scripted origin; it ends with the test's runtime.
pub(crate) struct Scripted {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Scripted {
    /// Answers every request with what `script` makes of it.
    pub(crate) async fn start(script: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (script, count) = (Arc::new(script), Arc::clone(&asked));
        tokio::spawn(async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else {
                    return;
                };
                let (script, count) = (Arc::clone(&script), Arc::clone(&count));
                tokio::spawn(async move { serve(socket, &*script, &count).await });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn serve(mut socket: TcpStream, script: &(dyn Fn(&Asked) -> Say + Send + Sync), count: &AtomicUsize) {
    let mut pending = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = pending.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if !matches!(socket.read_buf(&mut pending).await, Ok(1..)) {
                return;
            }
        };
        let head = String::from_utf8_lossy(&pending[..end]).into_owned();
        pending.drain(..end);
        let asked = Asked {
            head,
            number: count.fetch_add(1, Ordering::SeqCst),
        };
        let length: usize = asked.field("content-length").parse().unwrap_or(0);
        while pending.len() < length {
            if !matches!(socket.read_buf(&mut pending).await, Ok(1..)) {
                return;
            }
        }
        pending.drain(..length);
        let say = script(&asked);
        tokio::time::sleep(say.after).await;
        for (pause, piece) in say.pieces {
            tokio::time::sleep(pause).await;
            if socket.write_all(&piece).await.is_err() {
                return;
            }
        }
        if say.close {
            return;
        }
    }
}

/// Routes for tests with a scripted origin: every path obeys the origin.
pub(crate) const OBEY: &str = "[[route]]\nname = 'all'\npath = '/{rest...}'\n";
