//! Exchanges over HTTP/1.1.

use tokio::sync::Notify;

use super::*;

#[test]
fn a_response_is_what_the_server_sent() {
    on_a_shard(async {
        let head = "HTTP/1.1 201 Made It\r\nX-CACHE: hit\r\nContent-Length: 5\r\nx-cache: fwd\r\n\r\n";
        let server = Server::start([vec![Step::answer(&format!("{head}hello"))]]).await;
        let mut asked = with_header(request(Method::POST, &server.url("/x?y")), "content-type", "a/b");
        asked.body = Bytes::from_static(b"body");
        let exchange = client().exchange(&asked).await;
        let response = response(&exchange);
        assert_eq!((response.status, response.proto.as_str()), (201, "HTTP/1.1"));
        assert_eq!(response.status_text(), "201 Made It");
        assert_eq!(&response.body[..], b"hello");
        let headers = response.headers.canonical();
        assert_eq!(headers[0], ("X-Cache".to_owned(), "hit, fwd".to_owned()));
        assert_eq!(exchange.remote, Some(server.address));
        assert_eq!(exchange.tls, None);
        let sent = server.requests.borrow()[0].clone();
        let address = server.address;
        assert_eq!(
            sent,
            format!(
                "POST /x?y HTTP/1.1\r\nHost: {address}\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\nbody"
            )
        );
        assert_eq!(exchange.bytes_sent, sent.len() as u64);
        assert_eq!(exchange.bytes_received, head.len() as u64 + 5);
    });
}

#[test]
fn one_connection_serves_one_request_after_another() {
    on_a_shard(async {
        let server = Server::one_connection(&["one", "two", "three"]).await;
        let client = client();
        for expected in ["one", "two", "three"] {
            assert_eq!(body(&client.exchange(&get(&server.url("/"))).await), expected);
        }
        assert_eq!(server.accepted.get(), 1);
    });
}

#[test]
fn requests_at_the_same_time_have_a_connection_each() {
    on_a_shard(async {
        let server = Server::start([vec![Step::ok("a")], vec![Step::ok("a")]]).await;
        let (client, asked) = (client(), get(&server.url("/")));
        let (one, two) = tokio::join!(client.exchange(&asked), client.exchange(&asked));
        assert_eq!((body(&one), body(&two)), ("a", "a"));
        assert_eq!(server.accepted.get(), 2);
    });
}

#[test]
fn a_connection_is_left_when_one_of_both_sides_says_so() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n";
    let never = || Options {
        no_connection_reuse: true,
        ..options()
    };
    for (options, answer, header) in [
        (options(), format!("{ok}Connection: close\r\n\r\na"), None),
        (options(), ok.replace("1.1", "1.0") + "\r\na", None),
        (options(), format!("{ok}\r\na"), Some("close")),
        (never(), format!("{ok}\r\na"), None),
        (options(), format!("{ok}\r\nab"), None),
    ] {
        on_a_shard(async {
            let script = vec![Step::answer(&answer), Step::answer(&answer)];
            let server = Server::start([script.clone(), script]).await;
            let client = client_with(&options);
            for _ in 0..2 {
                let mut asked = get(&server.url("/"));
                if let Some(connection) = header {
                    asked = with_header(asked, "connection", connection);
                }
                assert_eq!(body(&client.exchange(&asked).await), "a");
            }
            assert_eq!(server.accepted.get(), 2, "{answer}");
            let announced = server.requests.borrow()[0].contains("\r\nConnection: close\r\n");
            assert_eq!(announced, options.no_connection_reuse || header.is_some());
        });
    }
}

#[test]
fn connections_are_forgotten_between_iterations() {
    on_a_shard(async {
        let server = Server::start([vec![Step::ok("a")], vec![Step::ok("b")]]).await;
        let client = client();
        assert_eq!(body(&client.exchange(&get(&server.url("/"))).await), "a");
        client.forget_connections();
        assert_eq!(body(&client.exchange(&get(&server.url("/"))).await), "b");
    });
}

#[test]
fn a_body_ends_where_its_framing_says() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: r\r\n\r\n";
    let until_close = "HTTP/1.1 200 OK\r\n\r\nabcde";
    let no_content = "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n";
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let goes_on =
        format!("HTTP/1.1 100 Continue\r\n\r\n{hints}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    for (method, answer, expected, reused) in [
        (Method::GET, chunked, "abcde", true),
        (Method::GET, until_close, "abcde", false),
        (Method::GET, no_content, "", true),
        (Method::GET, &goes_on, "ab", true),
        (Method::HEAD, head, "", true),
    ] {
        on_a_shard(async {
            let mut first = vec![Step::answer(answer)];
            first.push(if reused { Step::ok("next") } else { Step::Close });
            let server = Server::start([first, vec![Step::ok("next")]]).await;
            let client = client();
            let exchange = client.exchange(&request(method, &server.url("/"))).await;
            assert_eq!(body(&exchange), expected, "{answer}");
            assert_eq!(exchange.bytes_received, answer.len() as u64);
            assert_eq!(body(&client.exchange(&get(&server.url("/"))).await), "next");
            assert_eq!(server.accepted.get(), if reused { 1 } else { 2 }, "{answer}");
        });
    }
}

#[test]
fn bodies_larger_than_every_buffer_go_both_ways() {
    on_a_shard(async {
        let large = "0123456789abcdef".repeat(200_000);
        let chunk = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
        let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
        let server = Server::start([vec![Step::ok(&large), Step::answer(&chunked), Step::ok(&large)]]).await;
        let client = client();
        let mut asked = request(Method::PUT, &server.url("/"));
        asked.body = Bytes::from(large.clone());
        for _ in 0..2 {
            let exchange = client.exchange(&asked).await;
            assert!(body(&exchange) == large);
        }
        asked.discard_body = true;
        let exchange = client.exchange(&asked).await;
        assert_eq!(body(&exchange), "");
        assert!(exchange.bytes_received > large.len() as u64);
        assert!(
            server
                .requests
                .borrow()
                .iter()
                .all(|request| request.ends_with(&large))
        );
        assert_eq!(server.accepted.get(), 1);
    });
}

#[test]
fn a_server_that_answers_before_it_has_read_everything_is_heard() {
    for (status, then) in [
        (200, None), // and reads the rest
        (413, None),
        (413, Some(Step::Await(Rc::default()))),
    ] {
        on_a_shard(async {
            let answer = format!("HTTP/1.1 {status} Early\r\nContent-Length: 2\r\n\r\nno");
            let script = [Step::ReadHead, Step::Say(answer.into())].into_iter().chain(then);
            let server = Server::start([script.collect(), vec![Step::ok("ok")]]).await;
            let client = client();
            let mut asked = request(Method::POST, &server.url("/"));
            asked.body = Bytes::from(vec![b'x'; 64 << 20]);
            let exchange = client.exchange(&asked).await;
            assert_eq!((response(&exchange).status, body(&exchange)), (status, "no"));
            assert_eq!(exchange.timings.waiting, Duration::ZERO);
            if status == 413 {
                assert_eq!(body(&client.exchange(&get(&server.url("/"))).await), "ok");
            }
        });
    }
}

#[test]
fn timings_are_parts_of_the_whole() {
    on_a_shard(async {
        let server = Server::one_connection(&["one", "two"]).await;
        let client = client();
        let before = std::time::Instant::now();
        let first = client.exchange(&get(&server.url("/"))).await;
        let second = client.exchange(&get(&server.url("/"))).await;
        let elapsed = before.elapsed();
        assert!(first.timings.connecting > Duration::ZERO);
        assert!(first.timings.blocked >= first.timings.connecting);
        assert_eq!(second.timings.connecting, Duration::ZERO);
        assert_eq!(first.timings.tls_handshaking, Duration::ZERO);
        let total = [&first, &second].map(|exchange| exchange.timings.blocked + exchange.timings.duration());
        assert!(first.timings.waiting > Duration::ZERO);
        assert!(total[0] + total[1] <= elapsed);
        let between = second.started - first.started;
        assert_eq!(
            u128::from(second.started_unix_ns - first.started_unix_ns),
            between.as_nanos()
        );
    });
}

#[test]
fn waiting_is_the_servers_time_and_receiving_the_bodys() {
    on_a_shard(async {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
        let (said, go_on) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
        let server = Server::start([vec![
            Step::ReadHead,
            Step::Say(head.into()),
            Step::Tell(said.clone()),
            Step::Await(go_on.clone()),
            Step::Say(b"a".into()),
        ]]);
        let server = server.await;
        tokio::task::spawn_local(async move {
            said.notified().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            go_on.notify_one();
        });
        let exchange = client().exchange(&get(&server.url("/"))).await;
        assert_eq!(body(&exchange), "a");
        assert!(exchange.timings.receiving > exchange.timings.waiting);
        assert!(exchange.timings.duration() >= exchange.timings.receiving);
    });
}
