//! An origin that nobody can connect to (RFC 9111 section 4.2.4).

use std::time::Duration;

use proxima_local::{Scripted, answer};

use super::client::{Ask, Connector, Protocol};

/// `Cache-Control`, and the statuses that are right once the origin is gone.
const STORED: [(&str, &[u16]); 6] = [
    ("max-age=1", &[200]),
    ("max-age=1, stale-if-error=60", &[200]),
    ("max-age=1, must-revalidate", &[504]),
    ("max-age=1, proxy-revalidate", &[504]),
    ("s-maxage=1", &[504]),
    ("no-store", &[502, 504]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_outlives_an_origin_that_refuses_connections() {
    let origin = Scripted::start(|asked| {
        let (control, _) = STORED[asked.target()[6..].parse::<usize>().unwrap()];
        answer("200 OK", &[("cache-control", control)], control)
    })
    .await;
    let world = super::world(&origin, 1, 0, "").await;
    let connector = Connector::new(world.ca().pem());
    let proxy = world.region("us-west").proxy();
    let get = async |protocol, number: usize| {
        let ask = Ask {
            method: "GET".into(),
            authority: "conformance.example".into(),
            target: format!("/obey/{number}"),
            fields: Vec::new(),
            body: None,
        };
        let (plain, tls) = (proxy.http_address(), proxy.https_address());
        connector.ask(protocol, plain, tls, &ask).await.unwrap()
    };
    for protocol in [Protocol::H1, Protocol::H2] {
        for number in 0..STORED.len() {
            assert_eq!(get(protocol, number).await.status, 200);
        }
    }
    origin.stop();
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let mut wrong = Vec::new();
    for protocol in [Protocol::H1, Protocol::H2] {
        for (number, (control, right)) in STORED.into_iter().enumerate() {
            let answer = get(protocol, number).await;
            let body_is_right = answer.status != 200 || answer.text() == control;
            if !right.contains(&answer.status) || !body_is_right {
                wrong.push(format!(
                    "{control} over {protocol:?}: expected {right:?}, came {} `{}`",
                    answer.status,
                    answer.text()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
