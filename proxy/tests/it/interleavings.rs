//! Whatever way two requests cross, neither is given what only the other may have.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use proxima_local::{Scripted, World, answer};
use tokio::time::sleep;

use crate::reads::{small, url};

/// Pairs of requests; all run at once.
const PAIRS: usize = 400;

/// What keeps a response from a second client.
#[derive(Debug, Clone, Copy)]
enum Bar {
    /// The response's own words.
    Response(&'static str, &'static str),
    /// It is shareable, but for what the requests say.
    Credentials,
    NoStore,
    /// The second client wants another variant.
    Variant,
}

const BARS: [Bar; 14] = [
    Bar::Response("cache-control", "no-store"),
    Bar::Response("cache-control", "private, max-age=60"),
    Bar::Response("cache-control", "no-cache"),
    Bar::Response("cache-control", "max-age=0"),
    Bar::Response("cache-control", "max-age=60, s-maxage=0"),
    Bar::Response("cache-control", "max-age=nonsense"),
    Bar::Response("cdn-cache-control", "no-store"),
    Bar::Response("cdn-cache-control", "max-age=0"),
    Bar::Response("expires", "0"),
    Bar::Response("vary", "*"),
    Bar::Response("set-cookie", "a=b"),
    Bar::Credentials,
    Bar::NoStore,
    Bar::Variant,
];

/// How two requests for one resource cross. Milliseconds.
#[derive(Debug, Clone, Copy)]
struct Crossing {
    bar: Bar,
    has_validator: bool,
    /// From the first request to the second.
    second_after: u64,
    /// From being asked to the head of the answer, and from there to its body.
    head_after: u64,
    body_after: u64,
    over_http1: [bool; 2],
}

fn crossing() -> impl Strategy<Value = Crossing> {
    let bar = prop::sample::select(BARS.to_vec());
    let numbers = (0_u64..120, 0_u64..60, 0_u64..60);
    (bar, any::<bool>(), numbers, any::<[bool; 2]>()).prop_map(
        |(bar, has_validator, (second_after, head_after, body_after), over_http1)| Crossing {
            bar,
            has_validator,
            second_after,
            head_after,
            body_after,
            over_http1,
        },
    )
}

/// An answer that nobody has been given before: its body is its number.
fn unique(crossing: &Crossing, number: usize) -> proxima_local::Say {
    let body = format!("answer {number:06}");
    let tag = format!("\"{number}\"");
    let mut fields = match crossing.bar {
        Bar::Response(name, value) if name != "cache-control" => {
            vec![(name, value), ("cache-control", "max-age=60")]
        }
        Bar::Response(name, value) => vec![(name, value)],
        Bar::Credentials | Bar::NoStore => vec![("cache-control", "max-age=60")],
        Bar::Variant => vec![("cache-control", "max-age=60"), ("vary", "x-variant")],
    };
    if matches!(crossing.bar, Bar::Response("expires", _)) {
        fields.retain(|(name, _)| *name == "expires");
    }
    if crossing.has_validator {
        fields.push(("etag", &tag));
    }
    let mut head = answer("200 OK", &fields, &body);
    let bytes = head.pieces.remove(0).1;
    let (head_bytes, body_bytes) = bytes.split_at(bytes.len() - body.len());
    head.pieces.push((Duration::ZERO, head_bytes.to_vec()));
    head.then(Duration::from_millis(crossing.body_after), body_bytes)
        .after(Duration::from_millis(crossing.head_after))
}

async fn ask(world: &World, at: usize, crossing: &Crossing, which: usize) -> String {
    if which == 1 {
        sleep(Duration::from_millis(crossing.second_after)).await;
    }
    let client = if crossing.over_http1[which] {
        world.client_h1()
    } else {
        world.client()
    };
    let mut request = client.get(url(world, &format!("/{at}")));
    request = match crossing.bar {
        Bar::Credentials => request.header("authorization", format!("Bearer {which}")),
        Bar::NoStore => request.header("cache-control", "no-store"),
        Bar::Variant => request.header("x-variant", which.to_string()),
        Bar::Response(..) => request,
    };
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_reused_never_is_however_two_requests_cross() {
    let mut runner = TestRunner::deterministic();
    let draw = |_| crossing().new_tree(&mut runner).unwrap().current();
    let crossings: Vec<Crossing> = (0..PAIRS).map(draw).collect();
    let script = crossings.clone();
    let origin = Scripted::start(move |asked| {
        let path = asked.what().trim_start_matches("GET /").to_owned();
        unique(&script[path.parse::<usize>().unwrap()], asked.number)
    })
    .await;
    let world = small(&origin).await;
    let pairs = crossings
        .iter()
        .enumerate()
        .map(|(at, crossing)| join_all([0, 1].map(|which| ask(&world, at, crossing, which))));
    let mut given: HashMap<String, Crossing> = HashMap::new();
    for (answers, crossing) in join_all(pairs).await.into_iter().zip(&crossings) {
        for answer in answers {
            assert!(answer.starts_with("answer "), "{crossing:?}: {answer}");
            let before = given.insert(answer.clone(), *crossing);
            assert!(before.is_none(), "{answer} was given twice: {crossing:?}");
        }
    }
}
