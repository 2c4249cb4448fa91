//! Redirects and the cookies they carry.

use std::cell::RefCell;

use super::*;
use crate::http::CookieJar;
use crate::options::Host;

fn moved(status: u16, location: &str, more: &str) -> Step {
    Step::answer(&format!(
        "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n{more}\r\n"
    ))
}

/// Sends, and returns the statuses and request lines of all hops with the last exchange.
async fn send(
    client: &Client,
    request: Request,
    redirects_max: u32,
    jar: Option<&RefCell<CookieJar>>,
) -> (Vec<u16>, Request, Exchange) {
    let mut statuses = Vec::new();
    let mut on_hop = |_: &Request, hop: &Exchange| {
        statuses.push(hop.outcome.as_ref().map_or(0, |response| response.status));
    };
    let (last, exchange) = client.send(request, redirects_max, jar, &mut on_hop).await;
    (statuses, last, exchange)
}

fn lines_starting_with(server: &Server, prefix: &str) -> Vec<String> {
    let requests = server.requests.borrow();
    let line = |request: &String| {
        let line = request.lines().find(|line| line.starts_with(prefix));
        line.unwrap_or_default().to_owned()
    };
    requests.iter().map(line).collect()
}

#[test]
fn a_redirect_keeps_method_and_body_or_becomes_a_get() {
    for (status, method, expected) in [
        (301, Method::POST, "GET /to HTTP/1.1"),
        (302, Method::PUT, "GET /to HTTP/1.1"),
        (303, Method::DELETE, "GET /to HTTP/1.1"),
        (303, Method::HEAD, "HEAD /to HTTP/1.1"),
        (307, Method::POST, "POST /to HTTP/1.1"),
        (308, Method::PUT, "PUT /to HTTP/1.1"),
    ] {
        on_a_shard(async {
            let last = Step::answer("HTTP/1.1 204 No Content\r\n\r\n");
            let server = Server::start([vec![moved(status, "/to", ""), last]]).await;
            let mut asked = request(method.clone(), &server.url("/from"));
            asked = with_header(asked, "content-type", "text/plain");
            asked.body = Bytes::from_static(b"body");
            let (statuses, request, exchange) = send(&client(), asked, 10, None).await;
            assert_eq!(statuses, [status, 204]);
            assert_eq!(request.target.url(), server.url("/to"));
            assert_eq!(response(&exchange).status, 204);
            let second = server.requests.borrow()[1].clone();
            assert_eq!(second.lines().next(), Some(expected), "{status}");
            let keeps = status >= 307;
            assert_eq!(second.ends_with("\r\n\r\nbody"), keeps);
            assert_eq!(second.contains("Content-Type: text/plain"), keeps);
            let referer = format!("\r\nReferer: {}\r\n", server.url("/from"));
            assert!(second.contains(&referer), "{second}");
        });
    }
}

#[test]
fn a_chain_ends_with_the_redirection_that_is_one_too_many() {
    on_a_shard(async {
        for (max, expected) in [
            (0, vec![302]),
            (2, vec![302, 302, 302]),
            (3, vec![302, 302, 302, 200]),
        ] {
            let mut script = vec![moved(302, "next", ""); 3];
            script.push(Step::ok("end"));
            let server = Server::start([script]).await;
            let (statuses, ..) = send(&client(), get(&server.url("/a/b")), max, None).await;
            assert_eq!(statuses, expected);
        }
    });
}

#[test]
fn a_redirect_without_a_location_is_a_response_and_one_to_nowhere_a_failure() {
    on_a_shard(async {
        let server = Server::start([vec![
            Step::answer("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
            moved(302, "ftp://x/", ""),
            moved(302, "http://[/", ""),
        ]]);
        let server = server.await;
        let client = client();
        let (statuses, ..) = send(&client, get(&server.url("/")), 10, None).await;
        assert_eq!(statuses, [302]);
        for _ in 0..2 {
            let (statuses, _, exchange) = send(&client, get(&server.url("/")), 10, None).await;
            assert_eq!((statuses, failure(&exchange).code), (vec![0], 1020));
        }
    });
}

#[test]
fn each_hop_sends_and_sets_cookies_of_its_own() {
    on_a_shard(async {
        let server = Server::start([vec![
            moved(
                302,
                "/p/two",
                "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/p\r\n",
            ),
            moved(302, "/three", "Set-Cookie: a=3; Path=/\r\n"),
            Step::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: c=4\r\n\r\n"),
        ]]);
        let server = server.await;
        let jar = RefCell::new(CookieJar::new());
        let asked = with_header(get(&server.url("/one")), "cookie", "own=0");
        let (_, last, _) = send(&client(), asked, 10, Some(&jar)).await;
        let cookies = lines_starting_with(&server, "Cookie: ");
        assert_eq!(
            cookies,
            ["Cookie: own=0", "Cookie: own=0; b=2; a=1", "Cookie: own=0; a=3"]
        );
        let url = last.target.parsed();
        let expected = [("a", "3"), ("c", "4")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(jar.borrow().cookies_for_url(url), expected);
    });
}

#[test]
fn what_a_server_was_told_in_confidence_another_one_does_not_hear() {
    on_a_shard(async {
        let server = Server::start([
            vec![moved(302, "http://sub.a.test/", "")],
            vec![moved(302, "http://b.test/", "")],
            vec![Step::ok("end")],
        ]);
        let server = server.await;
        let host = Host {
            ip: server.address.ip(),
            port: Some(server.address.port()),
        };
        let hosts = ["a.test", "*.a.test", "b.test"].map(|name| (name.to_owned(), host));
        let options = Options {
            hosts: hosts.into(),
            ..options()
        };
        let mut asked = with_header(get("http://a.test/"), "authorization", "secret");
        asked = with_header(asked, "host", "renamed.test");
        let (statuses, ..) = send(&client_with(&options), asked, 10, None).await;
        assert_eq!(statuses, [302, 302, 200]);
        assert_eq!(
            lines_starting_with(&server, "Authorization: "),
            ["Authorization: secret", "Authorization: secret", ""]
        );
        assert_eq!(
            lines_starting_with(&server, "Host: "),
            ["Host: renamed.test", "Host: sub.a.test", "Host: b.test"]
        );
    });
}

#[test]
fn the_timeout_is_for_all_hops_together() {
    on_a_shard(async {
        let server = Server::start([vec![moved(302, "/to", "")]]).await;
        let mut asked = get(&server.url("/"));
        asked.timeout = Duration::from_millis(300);
        let (statuses, last, exchange) = send(&client(), asked, 10, None).await;
        assert_eq!(statuses, [302, 0]);
        assert_eq!(failure(&exchange).code, 1050);
        assert!(last.timeout < Duration::from_millis(300));
    });
}
