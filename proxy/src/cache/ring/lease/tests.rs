//! Leases beside a node that says what a test has it say.

use std::path::Path;

use proxima_config::Overrides;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::cache::ring::Surroundings;
use crate::metrics::Metrics;

/// A ring of one node that gives these replies in turn, to requests without values. What it is asked comes here.
async fn scripted(replies: &'static [&'static str]) -> (Ring, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, requests) = unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        for reply in replies {
            let line = lines.next_line().await.unwrap().unwrap();
            let (request, opaque) = line.rsplit_once(" O").unwrap();
            asked.send(request.to_owned()).unwrap();
            let reply = reply.replace("OPAQUE", &format!("O{opaque}"));
            writer.write_all(reply.as_bytes()).await.unwrap();
        }
    });
    let text = format!(
        "[cache.ring]\nnodes = ['{address}']\nconnections = 1\nlookup_timeout = '5s'\n\
         [[region]]\nname = 'here'\ncoordinates = ['0', '0']\norigins = ['http://127.0.0.1:9']\n\
         [server]\nregion = 'here'\nlisten = ['127.0.0.1:0']\n"
    );
    let config = proxima_config::parse(&text, "test", Path::new(""), &Overrides::default())
        .unwrap_or_else(|problems| panic!("{problems}"));
    let surroundings = Surroundings {
        entry_bytes_max: 1024,
        deaf: true,
        metrics: Arc::clone(&Metrics::new("here").unwrap().ring),
    };
    let ring = Ring::new(&config.cache.ring.unwrap(), surroundings)
        .await
        .unwrap();
    (ring, requests)
}

#[tokio::test]
async fn what_has_come_between_two_looks_is_not_replaced_by_what_was_there_before() {
    let (ring, mut requests) = scripted(&[
        "VA 3 f0 c5 t60 OPAQUE\r\nold\r\n",
        "HD c9 Z OPAQUE\r\n", // stored and marked by others since
        "HD OPAQUE\r\n",
    ])
    .await;
    let Turn::Stands(standing, _) = ring.turn(7).await.unwrap() else {
        panic!("there is an entry, and nobody's mark");
    };
    let Turn::Taken(mark, None) = ring.renew(standing).await.unwrap() else {
        panic!("somebody else was faster");
    };
    assert!(ring.replace_holder(&mark).await.unwrap());
    let key = node_key_text(7);
    for expected in ["v f c N10 t", "c R2592000"] {
        assert_eq!(requests.recv().await.unwrap(), format!("mg {key} {expected}"));
    }
    assert_eq!(
        requests.recv().await.unwrap(),
        format!("md {key} C9"),
        "not the old value under the new version"
    );
}
