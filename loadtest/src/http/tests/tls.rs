//! Exchanges over TLS.

use rustls::ALL_VERSIONS;
use rustls::version::{TLS12, TLS13};

use super::*;
use crate::options::Host;

fn url(server: &Server) -> String {
    format!("https://localhost:{}/", server.address.port())
}

#[test]
fn a_connection_is_shaken_hands_on_once() {
    for (version, expected) in [(&TLS12, "tls1.2"), (&TLS13, "tls1.3")] {
        on_a_shard(async {
            let authority = Authority::new();
            let acceptor = authority.acceptor(&["http/1.1"], &[version]);
            let script = vec![Step::ok("one"), Step::ok(&"two".repeat(50_000))];
            let server = Server::start_over(Some(acceptor), [script]).await;
            let client = authority.client(&options());
            let one = client.exchange(&get(&url(&server))).await;
            let two = client.exchange(&get(&url(&server))).await;
            assert_eq!((body(&one), body(&two).len()), ("one", 150_000));
            let tls = one.tls.unwrap();
            assert_eq!(tls.version, expected);
            assert!(
                tls.cipher.starts_with("TLS_") && tls.cipher.contains("_SHA"),
                "{tls:?}"
            );
            assert!(one.timings.tls_handshaking > Duration::ZERO);
            assert!(one.timings.blocked >= one.timings.tls_handshaking + one.timings.connecting);
            assert_eq!((two.tls, two.timings.tls_handshaking), (one.tls, Duration::ZERO));
            assert!(one.bytes_sent > two.bytes_sent, "the handshake counts");
            assert!(two.bytes_received > 150_000);
            assert_eq!(server.accepted.get(), 1);
        });
    }
}

#[test]
fn a_certificate_has_to_be_the_servers_own_and_signed_by_somebody_trusted() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["http/1.1"], ALL_VERSIONS);
        let server = Server::start_over(Some(acceptor), vec![vec![Step::ok("a")]; 4]).await;
        let stranger = client().exchange(&get(&url(&server))).await;
        assert_eq!(failure(&stranger).code, 1310);
        assert_eq!(failure(&stranger).message, "x509: unknown authority");
        assert!(stranger.bytes_sent > 0 && stranger.timings.blocked > Duration::ZERO);

        let elsewhere = Host {
            ip: server.address.ip(),
            port: Some(server.address.port()),
        };
        let redirected = Options {
            hosts: [("other.test".to_owned(), elsewhere)].into(),
            ..options()
        };
        let asked = get("https://other.test/");
        let impostor = authority.client(&redirected).exchange(&asked).await;
        assert_eq!(failure(&impostor).code, 1311);

        let careless = Options {
            insecure_skip_tls_verify: true,
            ..redirected
        };
        assert_eq!(body(&client_with(&careless).exchange(&asked).await), "a");
    });
}

#[test]
fn the_host_field_does_not_change_whose_certificate_is_wanted() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["http/1.1"], ALL_VERSIONS);
        let server = Server::start_over(Some(acceptor), [vec![Step::ok("a")]]).await;
        let asked = with_header(get(&url(&server)), "host", "other.test");
        assert_eq!(body(&authority.client(&options()).exchange(&asked).await), "a");
        assert!(server.requests.borrow()[0].contains("\r\nHost: other.test\r\n"));
    });
}

#[test]
fn a_server_that_does_not_speak_tls_fails_the_handshake() {
    for answer in [Some("HTTP/1.1 400 Bad Request\r\n\r\n"), None] {
        on_a_shard(async {
            let script = answer.map_or(Step::Close, |answer| Step::Say(answer.into()));
            let server = Server::start([vec![script]]).await;
            let exchange = client().exchange(&get(&url(&server))).await;
            // Closing with unread bytes resets the connection.
            let expected: &[u16] = if answer.is_some() { &[1300] } else { &[1300, 1220] };
            assert!(
                expected.contains(&failure(&exchange).code),
                "{:?}",
                failure(&exchange)
            );
        });
    }
}

#[test]
fn requests_at_the_same_time_get_a_connection_each_if_the_server_knows_http1_only() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["http/1.1"], ALL_VERSIONS);
        let server = Server::start_over(Some(acceptor), vec![vec![Step::ok("a")]; 3]).await;
        let (client, asked) = (authority.client(&options()), get(&url(&server)));
        let three = tokio::join!(
            client.exchange(&asked),
            client.exchange(&asked),
            client.exchange(&asked)
        );
        assert_eq!((body(&three.0), body(&three.1), body(&three.2)), ("a", "a", "a"));
        assert_eq!(server.accepted.get(), 3);
    });
}

#[test]
fn a_connection_that_ends_unannounced_before_an_answer_is_not_taken_for_half_an_answer() {
    on_a_shard(async {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["http/1.1"], ALL_VERSIONS);
        let script = vec![Step::ok("a"), Step::ReadHead, Step::Close];
        let server = Server::start_over(Some(acceptor), [script]).await;
        let client = authority.client(&options());
        client.exchange(&get(&url(&server))).await;
        let exchange = client.exchange(&request(Method::POST, &url(&server))).await;
        assert!(
            failure(&exchange).message.starts_with("EOF: "),
            "{:?}",
            failure(&exchange)
        );
    });
}

#[test]
fn requests_at_the_same_time_fail_together_if_no_connection_comes_about() {
    on_a_shard(async {
        let server = Server::start([vec![Step::Say("HTTP/1.1 400 Bad Request\r\n\r\n".into())]]).await;
        let (client, asked) = (client(), get(&url(&server)));
        let (one, two) = tokio::join!(client.exchange(&asked), client.exchange(&asked));
        assert_eq!((failure(&one).code, failure(&two).code), (1300, 1300));
        assert_eq!(server.accepted.get(), 1);
    });
}
