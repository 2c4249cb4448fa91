//! An origin that says exactly what a test wants, byte for byte, and remembers what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is remembered of a request's body: tests upload hundreds of megabytes.
const BODY_KEPT_BYTES: usize = 64 * 1024;
/// Requests that are remembered.
const LOG_MAX: usize = 100_000;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Request line and fields, up to the empty line.
    pub head: String,
    /// How many requests came before, on all connections.
    pub number: usize,
    /// The first 64 KiB of its body, as far as `Content-Length` announces one.
    pub body: Vec<u8>,
}

impl Asked {
    /// The value of the first line of a field, empty when absent.
    pub fn field(&self, name: &str) -> &str {
        self.lines(name).next().unwrap_or_default()
    }

    /// The values of all lines of a field, in order.
    pub fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// `GET /path`.
    pub fn what(&self) -> &str {
        self.head.split(" HTTP/").next().unwrap_or_default()
    }

    /// `GET`.
    pub fn method(&self) -> &str {
        self.what().split(' ').next().unwrap_or_default()
    }

    /// `/path?query`.
    pub fn target(&self) -> &str {
        self.what().split(' ').nth(1).unwrap_or_default()
    }

    fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }
}

/// What to do with a request.
#[derive(Debug, Clone, Default)]
pub struct Say {
    /// Pause before saying anything.
    pub after: Duration,
    /// Says nothing before this turns true.
    pub when: Option<watch::Receiver<bool>>,
    /// Pieces of the answer, with the pause before each.
    pub pieces: Vec<(Duration, Vec<u8>)>,
    /// Close the connection afterwards.
    pub close: bool,
}

/// A whole answer with a `Content-Length`; `status` is `200 OK`.
pub fn answer(status: &str, fields: &[(&str, &str)], body: &str) -> Say {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    raw(text)
}

/// Bytes, whatever they are.
pub fn raw(bytes: impl Into<Vec<u8>>) -> Say {
    Say {
        pieces: vec![(Duration::ZERO, bytes.into())],
        ..Say::default()
    }
}

impl Say {
    /// Closes the connection before any byte.
    pub fn nothing() -> Self {
        Self::default().close()
    }

    /// Waits before the first byte.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        Self { after: pause, ..self }
    }

    /// Says nothing before `released` turns true, or its sender is dropped.
    #[must_use]
    pub fn when(self, released: &watch::Receiver<bool>) -> Self {
        Self {
            when: Some(released.clone()),
            ..self
        }
    }

    /// Then says more; a body that stops short is an answer with too large a `Content-Length` and [`Self::close`].
    #[must_use]
    pub fn then(mut self, pause: Duration, bytes: impl Into<Vec<u8>>) -> Self {
        self.pieces.push((pause, bytes.into()));
        self
    }

    /// Says an informational response first, such as `103 Early Hints`.
    #[must_use]
    pub fn informed(mut self, status: &str, fields: &[(&str, &str)]) -> Self {
        let fields: String = fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!("HTTP/1.1 {status}\r\n{fields}\r\n");
        self.pieces.insert(0, (Duration::ZERO, head.into_bytes()));
        self
    }

    /// Closes the connection at the end.
    #[must_use]
    pub fn close(self) -> Self {
        Self { close: true, ..self }
    }
}

/// A running scripted origin; it ends with the test's runtime.
#[derive(Debug)]
pub struct Scripted {
    address: SocketAddr,
    log: Arc<Log>,
    stop: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Log {
    asked: AtomicUsize,
    by_path: Mutex<HashMap<String, Vec<Asked>>>,
}

impl Scripted {
    /// Answers every request with what `script` makes of it.
    ///
    /// # Panics
    /// When this machine has no free port.
    pub async fn start(script: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let log = Arc::new(Log::default());
        let (script, ours) = (Arc::new(script), Arc::clone(&log));
        let (stop, stopped) = watch::channel(false);
        until(stopped.clone(), async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&ours));
                until(
                    stopped.clone(),
                    async move { serve(socket, &*script, &log).await },
                );
            }
        });
        Self { address, log, stop }
    }

    /// From now on connections are refused, and those there are break off.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far.
    pub fn asked(&self) -> usize {
        self.log.asked.load(Ordering::SeqCst)
    }

    /// The requests for a path so far, whatever their method and query.
    pub fn asked_for(&self, path: &str) -> Vec<Asked> {
        self.log.by_path.lock().get(path).cloned().unwrap_or_default()
    }
}

/// Runs a task until it ends or is told to stop.
fn until(mut stopped: watch::Receiver<bool>, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        tokio::select! {
            () = task => {}
            // an error says that the origin was dropped: it goes on until its runtime ends
            Ok(_) = stopped.wait_for(|stop| *stop) => {}
        }
    });
}

impl Log {
    fn next(&self) -> usize {
        self.asked.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, asked: &Asked) {
        if asked.number < LOG_MAX {
            let mut by_path = self.by_path.lock();
            by_path
                .entry(asked.path().to_owned())
                .or_default()
                .push(asked.clone());
        }
    }
}

async fn serve(mut socket: TcpStream, script: &(dyn Fn(&Asked) -> Say + Send + Sync), log: &Log) {
    let mut pending = Vec::new();
    while let Some(asked) = next_request(&mut socket, &mut pending, log).await {
        log.note(&asked);
        let say = script(&asked);
        if let Some(mut released) = say.when {
            let _ = released.wait_for(|go| *go).await; // an error says that nobody holds it back any more
        }
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

/// Reads a request; `None` when the client is gone.
async fn next_request(socket: &mut TcpStream, pending: &mut Vec<u8>, log: &Log) -> Option<Asked> {
    let end = loop {
        if let Some(end) = pending.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if !matches!(socket.read_buf(pending).await, Ok(1..)) {
            return None;
        }
    };
    let mut asked = Asked {
        head: String::from_utf8_lossy(&pending[..end]).into_owned(),
        number: log.next(),
        body: Vec::new(),
    };
    pending.drain(..end);
    let length: usize = asked.field("content-length").parse().unwrap_or(0);
    while pending.len() < length {
        if !matches!(socket.read_buf(pending).await, Ok(1..)) {
            return None;
        }
    }
    asked.body = pending.drain(..length).take(BODY_KEPT_BYTES).collect();
    Some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_says_what_it_is_told_and_remembers_what_it_was_asked() {
        let origin = Scripted::start(|asked| match asked.target() {
            "/gone" => Say::nothing(),
            _ => answer("200 OK", &[("x", "y")], "hi").informed("103 Early Hints", &[("link", "<a>")]),
        })
        .await;
        let ask = async |request: &str| {
            let address = origin.url().replace("http://", "");
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
            let mut all = String::new();
            socket.read_to_string(&mut all).await.unwrap();
            all
        };
        assert_eq!(ask("GET /gone HTTP/1.1\r\n\r\n").await, "");
        let said = ask("PUT /a?b HTTP/1.1\r\ncontent-length: 4\r\nA: 1\r\na: 2\r\n\r\nbody").await;
        let early = "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n";
        assert_eq!(
            said,
            format!("{early}HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\nhi")
        );
        let asked = &origin.asked_for("/a")[0];
        assert_eq!((asked.method(), asked.body.as_slice()), ("PUT", &b"body"[..]));
        assert_eq!(asked.lines("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(origin.asked(), 2);
        origin.stop();
        let address = origin.url().replace("http://", "");
        while TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
