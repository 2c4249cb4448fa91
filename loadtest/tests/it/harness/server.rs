//! A server on a thread of its own, for HTTP/1.1 and, over TLS, HTTP/2.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, oneshot};
use tokio_rustls::TlsAcceptor;

use super::routes;

/// Serves the paths of `routes.rs` until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What all connections share.
#[derive(Default)]
pub(super) struct State {
    pub(super) seen: Mutex<Vec<Request>>,
    pub(super) connections: AtomicUsize,
    /// Those who wait for each other, by their number.
    pub(super) together: Mutex<HashMap<usize, Arc<Barrier>>>,
    /// Of `/records`.
    pub(super) records: Mutex<Vec<Option<serde_json::Value>>>,
}

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its query.
    pub(crate) target: String,
    pub(crate) proto: &'static str,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// Which of the server's connections, from 1.
    pub(crate) connection: usize,
}

/// What the server does about a request.
pub(super) enum Reply {
    Answer(Answer),
    /// Says nothing more.
    Stall,
    /// Closes the connection without an answer.
    Close,
    /// Resets it.
    Reset,
    /// Closes it in the middle of the body.
    Truncated(Answer),
}

#[derive(Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Server {
    /// Over TCP.
    pub(crate) fn start() -> Self {
        Self::over(None)
    }

    /// Over TLS with a certificate for `localhost` and 127.0.0.1 that nobody trusts; HTTP/2 if the client wants it.
    pub(crate) fn start_tls() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let issued = rcgen::generate_simple_self_signed(names).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(issued.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self::over(Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn over(tls: Option<TlsAcceptor>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::<State>::default();
        let (stop, stopped) = oneshot::channel();
        let of = state.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(TcpListener::from_std(listener).unwrap(), tls, of) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            scheme,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// All requests so far, in the order they arrived in.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.state.seen.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // its panic has been printed
        }
    }
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// Of the query, decoded.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect()
    }

    /// All values of a field, joined.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (tls, state) = (tls.clone(), state.clone());
        tokio::spawn(async move {
            let connection = state.connections.fetch_add(1, Ordering::Relaxed) + 1;
            let _ = match tls {
                None => http1(stream, &state, connection).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                        http2(stream, state, connection).await;
                        Ok(())
                    }
                    Ok(stream) => http1(stream, &state, connection).await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}

trait Wire: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn http1(mut stream: impl Wire, state: &State, connection: usize) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(mut request) = read(&mut stream, &mut buffer).await? {
        request.connection = connection;
        let head_only = request.method == "HEAD";
        let close = request.header("connection").as_deref() == Some("close");
        state.seen.lock().push(request.clone());
        match routes::reply(state, &request).await {
            Reply::Answer(answer) => {
                stream.write_all(&answer.head()).await?;
                if !head_only {
                    stream.write_all(&answer.body).await?;
                }
            }
            Reply::Stall => {
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
                return Ok(());
            }
            Reply::Close => return Ok(()),
            Reply::Reset => return stream.tcp().set_zero_linger(),
            Reply::Truncated(answer) => {
                stream.write_all(&answer.head()).await?;
                stream.write_all(&answer.body[..answer.body.len() / 2]).await?;
                return stream.shutdown().await;
            }
        }
        if close {
            return stream.shutdown().await;
        }
    }
    Ok(())
}

impl Answer {
    fn head(&self) -> Vec<u8> {
        let reason = http::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Whatever");
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !matches!(self.status, 204 | 304) {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// `None` if the client closed instead.
async fn read(stream: &mut impl Wire, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        if let Some((mut request, head)) = parse(buffer)? {
            let length = request.header("content-length");
            let length = length.map_or(0, |length| length.parse().unwrap());
            while buffer.len() < head + length {
                if stream.read_buf(buffer).await? == 0 {
                    return Ok(None);
                }
            }
            request.body = Bytes::copy_from_slice(&buffer[head..head + length]);
            buffer.drain(..head + length);
            return Ok(Some(request));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// A request without its body, and the length of its head; `None` if there is more to read.
fn parse(buffer: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(buffer).map_err(io::Error::other)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let headers = head.headers.iter().map(|field| {
        let value = String::from_utf8_lossy(field.value).into_owned();
        (field.name.to_lowercase(), value)
    });
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        proto: "HTTP/1.1",
        headers: headers.collect(),
        ..Request::default()
    };
    Ok(Some((request, length)))
}

async fn http2(stream: impl Wire, state: Arc<State>, connection: usize) {
    let Ok(mut streams) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, respond))) = streams.accept().await {
        let state = state.clone();
        tokio::spawn(async move { serve(request, respond, &state, connection).await });
    }
}

/// One stream of a connection.
async fn serve(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    state: &State,
    connection: usize,
) {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(data)) = stream.data().await {
        let _ = stream.flow_control().release_capacity(data.len());
        body.extend_from_slice(&data);
    }
    let authority = head
        .uri
        .authority()
        .map(|authority| ("host".to_owned(), authority.to_string()));
    let fields = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    let request = Request {
        method: head.method.to_string(),
        target: head
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        proto: "HTTP/2.0",
        headers: authority.into_iter().chain(fields).collect(),
        body: body.into(),
        connection,
    };
    state.seen.lock().push(request.clone());
    match routes::reply(state, &request).await {
        Reply::Answer(answer) => {
            let mut response = http::Response::builder().status(answer.status);
            for (name, value) in &answer.headers {
                response = response.header(name, value);
            }
            if let Ok(mut stream) = respond.send_response(response.body(()).unwrap(), false) {
                let _ = stream.send_data(answer.body, true); // the client may be gone
            }
        }
        Reply::Stall => std::future::pending().await,
        Reply::Close | Reply::Reset | Reply::Truncated(_) => respond.send_reset(h2::Reason::INTERNAL_ERROR),
    }
}
