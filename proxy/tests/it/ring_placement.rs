//! Keys live where twemproxy looks for them: tried on the real `nutcracker`.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use proxima_local::{Memcached, Nutcracker, World};

use crate::ring_command::located;

const ITEMS: usize = 500;

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// Speaks memcached's classic text protocol.
pub(crate) struct Client(BufReader<Box<dyn Stream>>);

impl Client {
    /// To a node as `cache.ring.nodes` writes it.
    pub(crate) fn of_node(address: &str) -> Self {
        match address.strip_prefix("unix:") {
            Some(path) => Self::of_socket(path.as_ref()),
            None => Self(BufReader::new(Box::new(TcpStream::connect(address).unwrap()))),
        }
    }

    fn of_socket(path: &Path) -> Self {
        Self(BufReader::new(Box::new(UnixStream::connect(path).unwrap())))
    }

    fn ask(&mut self, command: &str) -> String {
        self.0.get_mut().write_all(command.as_bytes()).unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let stored = self.ask(&format!("set {key} 0 0 {}\r\n{value}\r\n", value.len()));
        assert_eq!(stored, "STORED\r\n");
    }

    /// How many items the node holds.
    pub(crate) fn items(&mut self) -> u64 {
        let mut line = self.ask("stats\r\n");
        let mut items = None;
        while line != "END\r\n" {
            items = items.or(line
                .strip_prefix("STAT curr_items ")
                .map(|count| count.trim_end().parse().unwrap()));
            line = self.line();
        }
        items.unwrap()
    }

    pub(crate) fn get(&mut self, key: &str) -> Option<String> {
        let head = self.ask(&format!("get {key}\r\n"));
        if head == "END\r\n" {
            return None;
        }
        assert!(head.starts_with(&format!("VALUE {key} ")), "{head}");
        let value = self.line().trim_end().to_owned();
        assert_eq!(self.line(), "END\r\n");
        Some(value)
    }
}

/// Both ways: what twemproxy stores lies where `ring locate` says and nowhere else, and what is stored where it says is found
/// by twemproxy. `nodes` have their weights.
async fn places_as_twemproxy_does(dir: &Path, nodes: &[(String, u32)]) {
    let written: Vec<String> = nodes
        .iter()
        .map(|(node, weight)| format!("{node}:{weight}"))
        .collect();
    let nutcracker = Nutcracker::start(dir, "nutcracker", &written).await.unwrap();
    let mut through = Client::of_socket(nutcracker.socket());
    let mut straight: Vec<_> = nodes.iter().map(|(node, _)| Client::of_node(node)).collect();

    let keys: Vec<String> = (0..ITEMS).map(|n| format!("theirs-{n}")).collect();
    keys.iter().for_each(|key| through.set(key, key));
    let mut used = HashSet::new();
    for (key, place) in keys.iter().zip(located(&keys, &written)) {
        let holders = nodes
            .iter()
            .zip(&mut straight)
            .filter_map(|((node, _), client)| client.get(key).and(Some(node)));
        assert_eq!(holders.collect::<Vec<_>>(), [&place], "{key}");
        used.insert(place);
    }
    assert_eq!(used.len(), nodes.len(), "every node has its share: {used:?}");

    let keys: Vec<String> = (0..ITEMS).map(|n| format!("ours-{n}")).collect();
    for (key, place) in keys.iter().zip(located(&keys, &written)) {
        let at = nodes.iter().position(|(node, _)| *node == place).unwrap();
        straight[at].set(key, &place);
        assert_eq!(through.get(key), Some(place), "{key}");
    }
}

async fn four_nodes(weights: [u32; 4]) {
    let world = World::builder()
        .regions(&["us-west"])
        .proxies_per_region(0)
        .memcached_per_region(4)
        .external_origin("http://127.0.0.1:9")
        .start()
        .await
        .unwrap();
    let nodes = world.region("us-west").ring().iter().map(Memcached::address);
    let nodes: Vec<_> = nodes.zip(weights).collect();
    places_as_twemproxy_does(world.dir(), &nodes).await;
}

#[tokio::test]
async fn nodes_of_equal_weight() {
    four_nodes([1, 1, 1, 1]).await;
}

#[tokio::test]
async fn nodes_of_different_weights() {
    four_nodes([1, 2, 3, 1]).await;
}

#[tokio::test]
async fn nodes_on_unix_sockets() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (
        Memcached::on_socket(dir.path(), "first").await.unwrap(),
        Memcached::on_socket(dir.path(), "second").await.unwrap(),
    );
    places_as_twemproxy_does(dir.path(), &[(first.address(), 1), (second.address(), 2)]).await;
}
