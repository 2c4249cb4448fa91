//! What an entry costs in memory.

use http::HeaderMap;

use super::Entry;

/// Strong and weak count before what an `Arc` holds.
const ARC_BYTES: usize = 16;
/// Of a field in a map: name, value, hash and links, and its place in the index.
const FIELD_BYTES: usize = 112;
/// What moka needs for an entry: two nodes, two counted keys, its place in the hash table and in the sketch of frequencies. What
/// 300,000 entries were measured to cost beyond their blocks.
const BOOKKEEPING_BYTES: usize = 390;

/// What an allocator sets aside for a block: four sizes between a power of two and the next (jemalloc's size classes).
fn allocated(bytes: usize) -> usize {
    let step = (bytes.next_power_of_two() / 8).max(16);
    bytes.next_multiple_of(step)
}

/// Weight in bytes of an entry whose block has `blob_bytes`, with its fields as a map where that has been made.
pub(super) fn of(blob_bytes: usize, fields: Option<&HeaderMap>) -> usize {
    let map = fields.map_or(0, |map| {
        size_of::<HeaderMap>() + map.capacity().next_power_of_two() * FIELD_BYTES
    });
    allocated(blob_bytes) + allocated(ARC_BYTES + size_of::<Entry>()) + map + BOOKKEEPING_BYTES
}
