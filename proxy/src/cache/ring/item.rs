//! What a node is given for an entry: the entry as it is, compressed, or an index of pieces.
//!
//! The client flags of a value tell which. An index is, in little-endian numbers:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | `PXI1` |
//! | 4 | 4 | client flags of the whole |
//! | 8 | 8 | number that the pieces of this store share |
//! | 16 | 8 | bytes of the whole |
//! | 24 | 8 | XXH3 of the whole |
//! | 32 | 4 | bytes of each piece but the last |
//!
//! A compressed value begins with the length of what it expands to, `u64`.

use bytes::{BufMut, Bytes, BytesMut};
use twox_hash::XxHash3_64;

/// Client flags of an entry as it is.
pub(crate) const PLAIN: u32 = 0;
/// Client flags of a compressed entry.
pub(crate) const ZSTD: u32 = 1;
/// Client flags of an index.
pub(crate) const INDEX: u32 = 2;

const INDEX_MAGIC: [u8; 4] = *b"PXI1";
const INDEX_BYTES: usize = 36;
/// Level 3, zstd's own default: faster levels save less than they cost here.
const LEVEL: i32 = 3;
/// An entry of more pieces than this is not stored, and an index that tells of more is none.
const PIECES_MAX: u64 = 16 * 1024;
/// What compression has to save to be worth an expansion with each read: 1/8.
const WORTH_IT: usize = 8;

/// A value and its client flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) flags: u32,
    pub(crate) value: Bytes,
}

impl Item {
    pub(crate) fn plain(value: Bytes) -> Self {
        Self { flags: PLAIN, value }
    }

    /// Compresses an entry, if that is worth it.
    pub(crate) fn compressed(entry: &Bytes) -> Option<Self> {
        let packed = zstd::bulk::compress(entry, LEVEL).ok()?;
        let worth_it = packed.len() + 8 <= entry.len() - entry.len() / WORTH_IT;
        worth_it.then(|| {
            let mut value = BytesMut::with_capacity(8 + packed.len());
            value.put_u64_le(entry.len() as u64);
            value.put_slice(&packed);
            Self {
                flags: ZSTD,
                value: value.freeze(),
            }
        })
    }

    /// The entry; `None` when this is none, or one of more than `bytes_max`.
    pub(crate) fn entry(&self, bytes_max: usize) -> Option<Bytes> {
        match self.flags {
            PLAIN => Some(self.value.clone()),
            ZSTD => {
                let (length, packed) = self.value.split_first_chunk::<8>()?;
                let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
                let entry = zstd::bulk::decompress(packed, (length <= bytes_max).then_some(length)?).ok()?;
                (entry.len() == length).then(|| Bytes::from(entry))
            }
            _ => None,
        }
    }
}

/// What an item of many pieces is put together from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Index {
    flags: u32,
    store: u64,
    bytes: u64,
    hash: u64,
    piece_bytes: u32,
}

impl Index {
    /// Of an item whose pieces are to have `piece_bytes`. `store` tells the pieces of this store from those of others.
    pub(crate) fn of(item: &Item, piece_bytes: usize, store: u64) -> Option<Self> {
        let index = Self {
            flags: item.flags,
            store,
            bytes: item.value.len() as u64,
            hash: XxHash3_64::oneshot(&item.value),
            piece_bytes: u32::try_from(piece_bytes).ok().filter(|&bytes| bytes > 0)?,
        };
        (index.count() <= PIECES_MAX).then_some(index)
    }

    fn count(&self) -> u64 {
        self.bytes.div_ceil(u64::from(self.piece_bytes))
    }

    /// As it is stored.
    pub(crate) fn item(&self) -> Item {
        let mut value = BytesMut::with_capacity(INDEX_BYTES);
        value.put_slice(&INDEX_MAGIC);
        value.put_u32_le(self.flags);
        value.put_u64_le(self.store);
        value.put_u64_le(self.bytes);
        value.put_u64_le(self.hash);
        value.put_u32_le(self.piece_bytes);
        Item {
            flags: INDEX,
            value: value.freeze(),
        }
    }

    /// Reads one; `None` for anything else, and for one of more than `bytes_max` or of pieces that are none.
    pub(crate) fn read(item: &Item, bytes_max: usize) -> Option<Self> {
        let fixed: &[u8; INDEX_BYTES] = item.value.as_ref().try_into().ok()?;
        let number = |at: usize, bytes: usize| {
            let little_endian = fixed[at..at + bytes].iter().rev();
            little_endian.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let index = Self {
            flags: u32::try_from(number(4, 4)).ok()?,
            store: number(8, 8),
            bytes: number(16, 8),
            hash: number(24, 8),
            piece_bytes: u32::try_from(number(32, 4)).ok()?,
        };
        let sound = item.flags == INDEX
            && fixed[..4] == INDEX_MAGIC
            && index.flags != INDEX
            && index.bytes <= bytes_max as u64
            && index.piece_bytes > 0
            && index.count() <= PIECES_MAX;
        sound.then_some(index)
    }

    /// Keys of the pieces, given the key of the whole.
    pub(crate) fn keys(&self, key: &str) -> Vec<String> {
        (0..self.count())
            .map(|piece| format!("{key}.{:016x}.{piece}", self.store))
            .collect()
    }

    /// The pieces of an item.
    pub(crate) fn pieces(&self, item: &Item) -> Vec<Bytes> {
        let step = self.piece_bytes as usize;
        (0..item.value.len())
            .step_by(step)
            .map(|start| item.value.slice(start..item.value.len().min(start + step)))
            .collect()
    }

    /// The item that pieces make; `None` when one is missing or they are not those that were stored.
    pub(crate) fn join(&self, pieces: &[Option<Bytes>]) -> Option<Item> {
        let length = usize::try_from(self.bytes).ok()?;
        let mut value = BytesMut::with_capacity(length);
        for piece in pieces {
            let piece = piece.as_ref()?;
            if piece.len() > length - value.len() {
                return None;
            }
            value.put_slice(piece);
        }
        let whole = value.len() == length && XxHash3_64::oneshot(&value) == self.hash;
        whole.then(|| Item {
            flags: self.flags,
            value: value.freeze(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KIB: usize = 1024;

    #[test]
    fn text_is_compressed_and_noise_is_not() {
        let text = Bytes::from("a job offer in Santiago, ".repeat(400));
        let item = Item::compressed(&text).unwrap();
        assert!(item.value.len() < text.len() / 10);
        assert_eq!(item.entry(text.len()), Some(text.clone()));
        assert_eq!(item.entry(text.len() - 1), None, "more than may be");
        let mut state = 7_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let noise: Bytes = (0..4 * KIB).map(|_| noise()).collect();
        assert_eq!(Item::compressed(&noise), None);
    }

    #[test]
    fn an_expansion_that_lies_about_its_length_is_none() {
        let item = Item::compressed(&Bytes::from("x".repeat(KIB))).unwrap();
        for length in [0_u64, 1023, 1025, u64::MAX] {
            let mut value = length.to_le_bytes().to_vec();
            value.extend_from_slice(&item.value[8..]);
            let forged = Item {
                flags: ZSTD,
                value: value.into(),
            };
            assert_eq!(forged.entry(64 * KIB), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_the_whole_and_nothing_else_does(
            value in proptest::collection::vec(any::<u8>(), 1..5000),
            piece_bytes in 1_usize..3000,
            lost in any::<prop::sample::Index>(),
        ) {
            let item = Item::plain(Bytes::from(value));
            let index = Index::of(&item, piece_bytes, 7).unwrap();
            prop_assert_eq!(Index::read(&index.item(), 5000), Some(index));
            prop_assert_eq!(Index::read(&index.item(), item.value.len() - 1), None);
            let pieces = index.pieces(&item);
            let keys = index.keys("px1:0");
            prop_assert_eq!(keys.len(), pieces.len());
            let mut found: Vec<_> = pieces.into_iter().map(Some).collect();
            prop_assert_eq!(index.join(&found), Some(item));
            let lost = lost.index(found.len());
            let piece = found[lost].take();
            prop_assert_eq!(index.join(&found), None);
            let mut other = piece.unwrap().to_vec();
            other[0] ^= 1;
            found[lost] = Some(other.into());
            prop_assert_eq!(index.join(&found), None);
        }

        #[test]
        fn no_bytes_make_an_index_panic(value in proptest::collection::vec(any::<u8>(), 0..80), flags in 0_u32..4) {
            let item = Item { flags, value: value.into() };
            if let Some(index) = Index::read(&item, 1 << 16) {
                prop_assert!(index.join(&[]).is_none_or(|joined| joined.value.is_empty()));
            }
            let _ = item.entry(1 << 16);
        }
    }
}
