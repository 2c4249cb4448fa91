//! A ring that lies: what it gives is served only if it is what was asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proxima_local::{Scripted, World, answer};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::OBEY;

/// What a node holds, in the order of its keys.
type Stored = BTreeMap<String, Vec<u8>>;
/// What it says that it holds under a key.
type Twist = fn(&Stored, &str) -> Vec<u8>;

/// Starts a node that stores as memcached does, and tells something else. Gives its address and what it holds.
async fn lying_node(twist: Twist) -> (String, Arc<Mutex<Stored>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stored = Arc::new(Mutex::new(Stored::new()));
    let shared = Arc::clone(&stored);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stored = Arc::clone(&shared);
            tokio::spawn(async move { serve(stream, &stored, twist).await });
        }
    });
    (address, stored)
}

async fn serve(stream: TcpStream, stored: &Mutex<Stored>, twist: Twist) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let opaque = words.iter().find(|word| word.starts_with('O')).copied();
        let opaque = opaque.unwrap_or_default();
        let reply = match words[..] {
            ["ms", key, length, ..] => {
                let mut value = vec![0; length.parse::<usize>().ok()? + 2];
                stream.read_exact(&mut value).await.ok()?;
                value.truncate(value.len() - 2);
                stored.lock().unwrap().insert(key.to_owned(), value);
                format!("HD {opaque}\r\n").into_bytes()
            }
            ["mg", key, ..] => {
                let stored = stored.lock().unwrap();
                match stored.contains_key(key) {
                    true => {
                        let value = twist(&stored, key);
                        let mut reply = format!("VA {} f0 c1 t60 {opaque}\r\n", value.len()).into_bytes();
                        reply.extend(value);
                        reply.extend(b"\r\n");
                        reply
                    }
                    false => format!("EN {opaque}\r\n").into_bytes(),
                }
            }
            ["mn"] => b"MN\r\n".to_vec(),
            _ => format!("HD {opaque}\r\n").into_bytes(),
        };
        stream.write_all(&reply).await.ok()?;
    }
}

/// The value of the next key.
fn anothers(stored: &Stored, key: &str) -> Vec<u8> {
    let after = stored.range::<str, _>((std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded));
    let mut others = after.chain(stored.iter());
    others.next().unwrap().1.clone()
}

fn cut_short(stored: &Stored, key: &str) -> Vec<u8> {
    let value = &stored[key];
    value[..value.len() - 1].to_vec()
}

fn with_more(stored: &Stored, key: &str) -> Vec<u8> {
    [&stored[key][..], b"more"].concat()
}

fn damaged_head(stored: &Stored, key: &str) -> Vec<u8> {
    let mut value = stored[key].clone();
    value[..8].fill(0xff);
    value
}

fn garbage(_: &Stored, _: &str) -> Vec<u8> {
    b"<html>captive portal</html>".to_vec()
}

#[tokio::test]
async fn clients_get_only_what_they_asked_for() {
    for twist in [anothers, cut_short, with_more, damaged_head, garbage] as [Twist; 5] {
        let origin = Scripted::start(|asked| {
            let body = format!("this is {}", asked.target());
            answer("200 OK", &[("cache-control", "max-age=60")], &body)
        })
        .await;
        let (node, stored) = lying_node(twist).await;
        let world = World::builder()
            .regions(&["us-west"])
            .external_origin(origin.url())
            .memcached_per_region(0)
            .proxies_per_region(2)
            .config(&format!("cache.l1.capacity = '0'\ncache.ring.nodes = ['{node}']"));
        let world = world.routes(OBEY).start().await.unwrap();
        let proxies = world.region("us-west").proxies();
        for round in 0..3 {
            for path in ["/a", "/b", "/c"] {
                for proxy in &proxies {
                    let url = format!("{}{path}", proxy.https_url());
                    let answer = world.client().get(url).send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                    assert_eq!(
                        answer.text().await.unwrap(),
                        format!("this is {path}"),
                        "round {round}"
                    );
                }
            }
        }
        assert_eq!(stored.lock().unwrap().len(), 3, "they were stored");
        assert!(origin.asked() > 3, "what the node said was of no use");
    }
}
