//! A server that follows a script: what each connection does, step by step.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a connection does next. After the last step it stays open until the client closes it.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Reads a request and sends these bytes.
    Answer(Vec<u8>),
    /// Reads a request's head only.
    ReadHead,
    /// Sends these bytes.
    Say(Vec<u8>),
    /// Closes in good order.
    Close,
    /// Closes at once, with a reset.
    Reset,
    /// Tells that it got here.
    Tell(Rc<Notify>),
    /// Waits to be told.
    Await(Rc<Notify>),
}

impl Step {
    /// Answers with a whole response.
    pub(super) fn ok(body: &str) -> Self {
        let length = body.len();
        Self::answer(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    pub(super) fn answer(bytes: &str) -> Self {
        Self::Answer(bytes.into())
    }
}

/// What happened at a server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) accepted: Rc<Cell<usize>>,
    /// Requests with their bodies, in the order they arrived in.
    pub(super) requests: Rc<RefCell<Vec<String>>>,
}

impl Server {
    /// Serves as many connections as there are scripts; later ones are not accepted.
    pub(super) async fn start(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        Self::start_over(None, scripts).await
    }

    /// The same over TLS, if there is an acceptor.
    pub(super) async fn start_over(
        tls: Option<TlsAcceptor>,
        scripts: impl IntoIterator<Item = Vec<Step>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            accepted: Rc::default(),
            requests: Rc::default(),
        };
        let scripts: Vec<_> = scripts.into_iter().collect();
        let (accepted, requests) = (server.accepted.clone(), server.requests.clone());
        tokio::task::spawn_local(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.set(accepted.get() + 1);
                let (tls, requests) = (tls.clone(), requests.clone());
                tokio::task::spawn_local(async move {
                    match tls {
                        None => serve(stream, script, requests).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, script, requests).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    /// Every connection serves these bodies, one request each.
    pub(super) async fn one_connection(bodies: &[&str]) -> Self {
        Self::start([bodies.iter().map(|body| Step::ok(body)).collect()]).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A connection that can be reset.
trait Wire: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn serve(mut stream: impl Wire, script: Vec<Step>, requests: Rc<RefCell<Vec<String>>>) {
    for step in script {
        match step {
            Step::Answer(bytes) => {
                let Some(request) = read_request(&mut stream).await else {
                    return;
                };
                requests.borrow_mut().push(request);
                let _ = stream.write_all(&bytes).await;
            }
            Step::ReadHead => {
                let head = read_head(&mut stream).await;
                requests.borrow_mut().push(head.unwrap_or_default());
            }
            Step::Say(bytes) => {
                let _ = stream.write_all(&bytes).await;
            }
            Step::Close => return,
            Step::Reset => return stream.tcp().set_zero_linger().unwrap(),
            Step::Tell(notify) => notify.notify_one(),
            Step::Await(notify) => notify.notified().await,
        }
    }
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// `None` if the client closed instead.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = read_head(stream).await?;
    let length = request
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.push_str(std::str::from_utf8(&body).unwrap());
    Some(request)
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}
