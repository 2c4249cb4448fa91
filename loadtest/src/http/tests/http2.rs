//! Exchanges over HTTP/2.

use std::cell::{Cell, RefCell};

use h2::Reason;
use h2::server::{Builder, SendResponse};
use rustls::ALL_VERSIONS;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

/// What the server does with a request.
#[derive(Debug, Clone, Copy)]
enum Reply {
    /// Reads the body and sends it back.
    Echo,
    Reset(Reason),
    Stall,
    /// Answers, and takes no more requests on this connection.
    Last,
}

struct Http2Server {
    port: u16,
    accepted: Rc<Cell<usize>>,
    requests: Rc<RefCell<Vec<http::Request<()>>>>,
}

impl Http2Server {
    /// One list of replies for each connection.
    async fn start(acceptor: TlsAcceptor, connections: Vec<Vec<Reply>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (accepted, requests) = (Rc::<Cell<usize>>::default(), Rc::<RefCell<Vec<_>>>::default());
        let server = Self {
            port,
            accepted: accepted.clone(),
            requests: requests.clone(),
        };
        tokio::task::spawn_local(async move {
            for replies in connections {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.set(accepted.get() + 1);
                tokio::task::spawn_local(serve(acceptor.clone(), stream, replies, requests.clone()));
            }
        });
        server
    }

    fn get(&self) -> Request {
        get(&format!("https://localhost:{}/x?y", self.port))
    }
}

async fn serve(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    replies: Vec<Reply>,
    requests: Rc<RefCell<Vec<http::Request<()>>>>,
) {
    let stream = acceptor.accept(stream).await.unwrap();
    // Small windows: bodies have to wait for them.
    let handshake = Builder::new()
        .initial_window_size(1000)
        .max_concurrent_streams(2)
        .handshake(stream);
    let mut connection = handshake.await.unwrap();
    let mut replies = replies.into_iter();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let (head, body) = request.into_parts();
        requests.borrow_mut().push(http::Request::from_parts(head, ()));
        match replies.next().unwrap() {
            Reply::Echo => drop(tokio::task::spawn_local(echo(body, respond))),
            Reply::Reset(reason) => respond.send_reset(reason),
            Reply::Stall => std::mem::forget((body, respond)),
            Reply::Last => {
                connection.graceful_shutdown();
                tokio::task::spawn_local(echo(body, respond));
            }
        }
    }
}

async fn echo(mut body: h2::RecvStream, mut respond: SendResponse<Bytes>) {
    let mut bytes = Vec::new();
    while let Some(Ok(part)) = body.data().await {
        body.flow_control().release_capacity(part.len()).unwrap();
        bytes.extend_from_slice(&part);
    }
    let head = http::Response::builder()
        .header("x-cache", "hit")
        .body(())
        .unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    stream.send_data(bytes.into(), true).unwrap();
}

#[test]
fn a_server_that_offers_http2_gets_all_requests_on_one_connection() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["h2", "http/1.1"], ALL_VERSIONS);
        let server = Http2Server::start(acceptor, vec![vec![Reply::Echo; 4]]).await;
        let client = authority.client(&options());
        let mut asked = with_header(server.get(), "connection", "keep-alive");
        asked = with_header(asked, "x-own", "1");
        asked.body = Bytes::from_static(b"hello");
        let three = tokio::join!(
            client.exchange(&asked),
            client.exchange(&asked),
            client.exchange(&asked)
        );
        assert_eq!(
            (body(&three.0), body(&three.1), body(&three.2)),
            ("hello", "hello", "hello")
        );
        let again = client
            .exchange(&with_header(server.get(), "host", "other.test"))
            .await;
        assert_eq!(server.accepted.get(), 1);
        let response = response(&again);
        assert_eq!((response.proto.as_str(), response.status), ("HTTP/2.0", 200));
        assert_eq!(response.status_text(), "200 OK");
        assert_eq!(
            response.headers.canonical(),
            [("X-Cache".to_owned(), "hit".to_owned())]
        );
        assert_eq!(again.tls.unwrap().version, "tls1.3");
        assert!(three.0.timings.tls_handshaking > Duration::ZERO);
        assert_eq!(again.timings.tls_handshaking, Duration::ZERO);
        assert!(again.bytes_sent > 0 && again.bytes_received > 0);
        let requests = server.requests.borrow();
        let first = requests[0].uri().to_string();
        assert_eq!(first, format!("https://localhost:{}/x?y", server.port));
        assert_eq!(requests[0].headers()["content-length"], "5");
        assert_eq!(requests[0].headers()["x-own"], "1");
        assert_eq!(requests[3].uri().authority().unwrap(), "other.test");
    });
}

#[test]
fn bodies_larger_than_every_window_go_both_ways() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["h2"], ALL_VERSIONS);
        let server = Http2Server::start(acceptor, vec![vec![Reply::Echo; 2]]).await;
        let mut asked = server.get();
        asked.body = Bytes::from("0123456789abcdef".repeat(400_000));
        let client = authority.client(&options());
        let exchange = client.exchange(&asked).await;
        assert!(response(&exchange).body == asked.body);
        assert!(exchange.bytes_sent > asked.body.len() as u64);
        assert!(exchange.bytes_received > asked.body.len() as u64);
        asked.discard_body = true;
        assert_eq!(body(&client.exchange(&asked).await), "");
    });
}

#[test]
fn a_stream_fails_without_its_connection() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["h2"], ALL_VERSIONS);
        let replies = vec![Reply::Reset(Reason::INTERNAL_ERROR), Reply::Echo];
        let server = Http2Server::start(acceptor, vec![replies]).await;
        let client = authority.client(&options());
        let exchange = client.exchange(&server.get()).await;
        assert_eq!(failure(&exchange).code, 1633);
        assert_eq!(body(&client.exchange(&server.get()).await), "");
        assert_eq!(server.accepted.get(), 1);
    });
}

#[test]
fn a_refused_stream_is_asked_for_again_whatever_its_method() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["h2"], ALL_VERSIONS);
        let replies = vec![Reply::Echo, Reply::Reset(Reason::REFUSED_STREAM), Reply::Echo];
        let server = Http2Server::start(acceptor, vec![replies]).await;
        let client = authority.client(&options());
        client.exchange(&server.get()).await;
        let mut asked = server.get();
        asked.method = Method::POST;
        assert_eq!(response(&client.exchange(&asked).await).status, 200);
        assert_eq!(server.requests.borrow().len(), 3);
    });
}

#[test]
fn a_server_that_says_goodbye_gets_a_new_connection() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["h2"], ALL_VERSIONS);
        let server = Http2Server::start(acceptor, vec![vec![Reply::Last], vec![Reply::Echo]]).await;
        let client = authority.client(&options());
        for _ in 0..2 {
            assert_eq!(response(&client.exchange(&server.get()).await).status, 200);
        }
        assert_eq!(server.accepted.get(), 2);
    });
}

#[test]
fn a_stream_that_stalls_is_a_timeout_and_its_connection_is_asked_no_more() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["h2"], ALL_VERSIONS);
        let server =
            Http2Server::start(acceptor, vec![vec![Reply::Echo, Reply::Stall], vec![Reply::Echo]]).await;
        let client = authority.client(&options());
        assert_eq!(response(&client.exchange(&server.get()).await).status, 200);
        let mut asked = server.get();
        asked.timeout = Duration::from_millis(60);
        assert_eq!(failure(&client.exchange(&asked).await).code, 1050);
        assert_eq!(response(&client.exchange(&server.get()).await).status, 200);
        assert_eq!(server.accepted.get(), 2);
    });
}
