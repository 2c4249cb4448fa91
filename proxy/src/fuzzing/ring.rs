//! What memcached says, and what it holds.

use bytes::Bytes;

use crate::cache::ring::command::reply_line;
use crate::cache::ring::item::{Index, Item};

/// Bytes as a node may send them: no beginning of a reply's first line is a whole one.
pub fn ring_reply(data: &[u8]) {
    let Ok(Some((line, used))) = reply_line(data) else {
        return;
    };
    assert!(data[..used].ends_with(b"\r\n"));
    assert!((0..used).all(|cut| reply_line(&data[..cut]) == Ok(None)));
    // what follows belongs to the value, or to the next reply
    assert_eq!(reply_line(&data[..used]), Ok(Some((line, used))));
}

/// A value as a node may hold it, behind a byte for its client flags.
pub fn ring_item(data: &[u8]) {
    const BYTES_MAX: usize = 1 << 16;
    let Some((flags, value)) = data.split_first() else {
        return;
    };
    let item = Item {
        flags: u32::from(*flags),
        value: Bytes::copy_from_slice(value),
    };
    if let Some(entry) = item.entry(BYTES_MAX) {
        assert!(entry.len() <= BYTES_MAX.max(value.len()));
    }
    if let Some(index) = Index::read(&item, BYTES_MAX) {
        let keys = index.keys("px1:7");
        assert!(
            keys.iter()
                .all(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))
        );
        assert_eq!(index.item(), item, "it says all that it was read from");
        assert!(index.join(&vec![None; keys.len()]).is_none() || keys.is_empty());
    }
}
