//! A node that does not answer.

use std::path::Path;

use proxima_config::Overrides;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;

/// A node that takes connections and says nothing, out after three failures.
fn silent(listener: &TcpListener) -> Node {
    let text = format!(
        "[cache.ring]\nnodes = ['{}']\nlookup_timeout = '1ms'\nconnect_timeout = '1h'\nfail_after = 3\n\
         [[region]]\nname = 'here'\ncoordinates = ['0', '0']\norigins = ['http://127.0.0.1:9']\n\
         [server]\nregion = 'here'\nlisten = ['127.0.0.1:0']\n",
        listener.local_addr().unwrap()
    );
    let config = proxima_config::parse(&text, "test", Path::new(""), &Overrides::default())
        .unwrap_or_else(|problems| panic!("{problems}"));
    let ring = config.cache.ring.unwrap();
    Node::new(&ring.nodes[0], &ring, None, 1024).unwrap()
}

#[tokio::test]
async fn pieces_that_come_too_late_do_not_take_a_node_out_and_other_late_replies_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = silent(&listener);
    for _ in 0..4 {
        let piece = node.send(0, b"px1:7.1.0", Command::Get);
        assert!(node.reply_of_piece(piece).await.unwrap_err().is_late());
    }
    assert!(node.circuit.is_in());
    for _ in 0..3 {
        assert!(node.ask(b"px1:7", Command::Get).await.unwrap_err().is_late());
    }
    assert!(!node.circuit.is_in());
}

#[tokio::test]
async fn what_needs_no_reply_is_sent_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = silent(&listener);
    node.tell(b"key", Command::Delete { version: None });
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut heard = [0; 7];
    socket.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"md key ");
}
