//! What goes wrong, and what is tried again.

use tokio::sync::Notify;

use super::*;

const TIMEOUT: Duration = Duration::from_millis(60);

#[test]
fn a_server_that_stalls_anywhere_is_a_timeout_and_loses_its_connection() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    for script in [
        vec![],
        vec![Step::ReadHead, Step::Say(head[..20].into())],
        vec![Step::ReadHead, Step::Say(head.into()), Step::Say(b"ab".into())],
        vec![Step::answer(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        )],
        vec![Step::answer("HTTP/1.1 200 OK\r\n\r\nab")],
        // The request does not fit into the buffers of a connection that nobody reads.
        vec![Step::Await(Rc::default())],
    ] {
        on_a_shard(async {
            let stalls_reading = matches!(script.first(), Some(Step::Await(_)));
            let server = Server::start([script, vec![Step::ok("ok")]]).await;
            let client = client();
            let mut asked = get(&server.url("/"));
            asked.timeout = TIMEOUT;
            if stalls_reading {
                asked.body = Bytes::from(vec![b'x'; 64 << 20]);
            }
            let exchange = client.exchange(&asked).await;
            assert_eq!(failure(&exchange).code, 1050);
            assert_eq!(failure(&exchange).message, "request timeout");
            let Timings { blocked, .. } = exchange.timings;
            assert!(blocked + exchange.timings.duration() >= TIMEOUT);
            assert_eq!(body(&client.exchange(&get(&server.url("/"))).await), "ok");
            assert_eq!(server.accepted.get(), 2);
        });
    }
}

#[test]
fn a_handshake_that_stalls_is_a_timeout() {
    on_a_shard(async {
        let server = Server::start([vec![]]).await;
        let mut asked = get(&server.url("/").replace("http:", "https:"));
        asked.timeout = 5 * TIMEOUT;
        let exchange = client().exchange(&asked).await;
        assert_eq!(failure(&exchange).code, 1050);
        assert!(exchange.timings.blocked >= TIMEOUT);
        assert_eq!(exchange.timings.duration(), Duration::ZERO);
        assert!(exchange.bytes_sent > 0, "the hello counts");
    });
}

#[test]
fn a_port_that_nobody_listens_on_refuses() {
    on_a_shard(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let exchange = client().exchange(&get(&format!("http://{address}/"))).await;
        assert_eq!(failure(&exchange).code, 1212);
        assert_eq!(failure(&exchange).message, "dial: connection refused");
        assert_eq!((exchange.remote, exchange.bytes_sent), (None, 0));
    });
}

#[test]
fn a_name_without_an_address_is_no_such_host() {
    on_a_shard(async {
        for url in ["http://x.invalid/", "https://a.b.invalid./"] {
            let exchange = client().exchange(&get(url)).await;
            assert_eq!(failure(&exchange).code, 1101);
            assert_eq!(failure(&exchange).message, "lookup: no such host");
        }
    });
}

#[test]
fn a_connection_that_ends_early_says_how() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    for (script, code, message) in [
        (
            vec![Step::ReadHead, Step::Reset],
            1220,
            "read: connection reset by peer",
        ),
        (vec![Step::ReadHead, Step::Close], 1000, "EOF: "),
        (
            vec![Step::ReadHead, Step::Say(head[..9].into()), Step::Close],
            1000,
            "unexpected EOF: ",
        ),
        (vec![Step::answer(head), Step::Close], 1000, "unexpected EOF: "),
        (
            vec![Step::answer("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")],
            1000,
            "malformed",
        ),
        (
            vec![Step::answer(
                "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
            )],
            1000,
            "longer than 1 GiB",
        ),
        (
            vec![Step::answer(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(9))],
            1000,
            "interim responses",
        ),
    ] {
        on_a_shard(async {
            let server = Server::start([script]).await;
            let exchange = client().exchange(&get(&server.url("/"))).await;
            let failure = failure(&exchange);
            assert_eq!(failure.code, code, "{failure}");
            assert!(failure.message.contains(message), "{failure}");
            assert_eq!(exchange.remote, Some(server.address));
        });
    }
}

/// A connection that serves one request and closes when the next one is on its way.
fn closes_on_the_second(how: Step) -> Vec<Step> {
    vec![Step::ok("first"), Step::ReadHead, how]
}

#[test]
fn a_request_that_met_a_closing_connection_is_sent_again_if_that_is_safe() {
    for (method, how, retried) in [
        (Method::GET, Step::Close, true),
        (Method::HEAD, Step::Reset, true),
        (Method::POST, Step::Close, false),
        (Method::DELETE, Step::Reset, false),
    ] {
        on_a_shard(async {
            let server = Server::start([closes_on_the_second(how), vec![Step::ok("second")]]).await;
            let client = client();
            client.exchange(&get(&server.url("/"))).await;
            let exchange = client.exchange(&request(method.clone(), &server.url("/"))).await;
            assert_eq!(exchange.outcome.is_ok(), retried, "{method}");
            assert_eq!(server.requests.borrow().len(), if retried { 3 } else { 2 });
        });
    }
}

#[test]
fn a_request_is_sent_again_once_and_not_on_a_connection_of_its_own() {
    on_a_shard(async {
        let server = Server::start([
            closes_on_the_second(Step::Close),
            vec![Step::ReadHead, Step::Close],
            vec![Step::ok("never")],
        ]);
        let server = server.await;
        let client = client();
        client.exchange(&get(&server.url("/"))).await;
        let exchange = client.exchange(&get(&server.url("/"))).await;
        assert_eq!(failure(&exchange).code, 1000);
        assert_eq!(server.accepted.get(), 2);
    });
}

#[test]
fn a_connection_that_is_known_to_be_closed_is_not_used_even_for_a_post() {
    on_a_shard(async {
        let closed = Rc::new(Notify::new());
        let script = vec![Step::ok("first"), Step::Await(closed.clone()), Step::Close];
        let server = Server::start([script, vec![Step::ok("second")]]).await;
        let client = client();
        client.exchange(&get(&server.url("/"))).await;
        closed.notify_one();
        // The same thread serves and asks: when another exchange is over, the server has closed, and that has been seen.
        let other = Server::one_connection(&["other"]).await;
        client.exchange(&get(&other.url("/"))).await;
        let exchange = client.exchange(&request(Method::POST, &server.url("/"))).await;
        assert_eq!(body(&exchange), "second");
        assert_eq!(server.requests.borrow().len(), 2);
    });
}

#[test]
fn an_exchange_that_is_dropped_half_way_takes_its_connection_along() {
    on_a_shard(async {
        let asked_for = Rc::new(Notify::new());
        let script = vec![Step::ReadHead, Step::Tell(asked_for.clone())];
        let server = Server::start([script, vec![Step::ok("ok")]]).await;
        let (client, asked) = (client(), get(&server.url("/")));
        tokio::select! {
            _ = client.exchange(&asked) => panic!("nobody answers"),
            () = asked_for.notified() => {}
        }
        assert_eq!(body(&client.exchange(&asked).await), "ok");
        assert_eq!(server.accepted.get(), 2);
    });
}

#[test]
fn bodies_are_decoded_unless_they_are_thrown_away() {
    on_a_shard(async {
        let broken = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
        let server = Server::start([vec![Step::answer(broken), Step::answer(broken)]]).await;
        let client = client();
        let mut asked = get(&server.url("/"));
        assert_eq!(failure(&client.exchange(&asked).await).code, 1701);
        asked.discard_body = true;
        assert_eq!(body(&client.exchange(&asked).await), "");
        assert_eq!(server.accepted.get(), 1);
    });
}
