//! A stored response as one owned block of bytes: what L1 holds, what travels to the ring, and what a hit sends.
//!
//! The layout is versioned and never edited, only succeeded: a reader that meets another version sees a miss. All
//! numbers are little-endian.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 2 | `PX` |
//! | 2 | 1 | layout version, [`VERSION`] |
//! | 3 | 1 | kind: 0 response, 1 vary marker |
//! | 4 | 2 | status |
//! | 6 | 2 | flags |
//! | 8 | 8 | requested at, Unix ms |
//! | 16 | 8 | received at, Unix ms |
//! | 24 | 16 | position: timeline, offset |
//! | 40 | 16 | lifetime, stale-while-revalidate, stale-if-error, initial age: seconds, `u32` each |
//! | 56 | 16 | lengths of key, vary, tags, head: `u32` each |
//! | 72 | 8 | length of the body |
//! | 80 | – | key, vary, tags, head, body |
//!
//! *vary* holds, for each name that the response varies on, the name and the request's value, normalised; *tags* the surrogate keys.
//! Texts in both are length-prefixed (`u16`). *head* is the status line and the header fields of an HTTP/1.1 answer, ready
//! to send but for `Age`, `Cache-Status`, `Connection` and the empty line.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::UnixMillis;
use crate::floors::TagHash;
use crate::policy::freshness::{Facts, Receipt};
use crate::position::Position;

mod encode;
mod weight;

pub(crate) use self::encode::{Parts, encode};

/// Version of the layout above.
pub(crate) const VERSION: u8 = 2;
const MAGIC: [u8; 2] = *b"PX";
const FIXED_BYTES: usize = FIXED_END as usize;
const FIXED_END: u32 = 80;
/// Length prefix of a `Vary` value that the request did not have.
const ABSENT: u16 = u16::MAX;

mod flag {
    pub(super) const NO_CACHE: u16 = 1;
    pub(super) const MUST_REVALIDATE: u16 = 1 << 1;
    pub(super) const HAS_POSITION: u16 = 1 << 2;
    pub(super) const HAS_LIFETIME: u16 = 1 << 3;
    pub(super) const HAS_WHILE_REVALIDATE: u16 = 1 << 4;
    pub(super) const HAS_IF_ERROR: u16 = 1 << 5;
    pub(super) const HEURISTIC: u16 = 1 << 6;
    pub(super) const IMMUTABLE: u16 = 1 << 7;
}

/// What an entry stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A response.
    Response,
    /// The note, under a resource's primary key, of the fields that its responses vary on.
    VaryMarker,
}

/// The bytes are not an entry of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("not a stored response, or one of another layout version")]
    Unknown,
    #[error("a stored response that is cut short or inconsistent")]
    Broken,
}

/// A stored response. It holds its block and little more: there may be millions, and what the block says is quickly read.
#[derive(Debug)]
pub(crate) struct Entry {
    blob: Bytes,
    key_end: u32,
    vary_end: u32,
    head_start: u32,
    body_start: u32,
    /// Epoch of the floors at which the tags were last found good: while it has not moved, they still are.
    checked_epoch: AtomicU64,
    /// Reads in the last part of the lifetime.
    late_reads: AtomicU32,
    /// Whether the map below was there when the entry was last weighed.
    weighed: AtomicBool,
    /// The head as a map, made when first needed (HTTP/2, revalidation).
    headers: OnceLock<Box<HeaderMap>>,
}

/// Length-prefixed texts of a section that [`Entry::decode`] has walked once.
struct Texts<'t>(&'t [u8]);

impl<'t> Texts<'t> {
    fn next_checked(&mut self) -> Result<Option<Option<&'t [u8]>>, DecodeError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (prefix, rest) = self.0.split_first_chunk::<2>().ok_or(DecodeError::Broken)?;
        let length = u16::from_le_bytes(*prefix);
        if length == ABSENT {
            self.0 = rest;
            return Ok(Some(None));
        }
        let (text, rest) = rest
            .split_at_checked(usize::from(length))
            .ok_or(DecodeError::Broken)?;
        self.0 = rest;
        Ok(Some(Some(text)))
    }
}

impl<'t> Iterator for Texts<'t> {
    type Item = Option<&'t [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_checked().ok().flatten()
    }
}

/// Little-endian numbers at fixed places of a block whose length has been checked.
struct Fixed<'f>(&'f [u8; FIXED_BYTES]);

impl Fixed<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.0[at..at + N]);
        out
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.bytes(at))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }

    fn kind(&self) -> Option<Kind> {
        match self.0[3] {
            0 => Some(Kind::Response),
            1 => Some(Kind::VaryMarker),
            _ => None,
        }
    }

    fn status(&self) -> u16 {
        self.u16(4)
    }

    fn facts(&self) -> Facts {
        let flags = self.u16(6);
        let when = |bit: u16, at: usize| (flags & bit != 0).then(|| self.u32(at));
        Facts {
            lifetime_s: when(flag::HAS_LIFETIME, 40),
            stale_while_revalidate_s: when(flag::HAS_WHILE_REVALIDATE, 44),
            stale_if_error_s: when(flag::HAS_IF_ERROR, 48),
            no_cache: flags & flag::NO_CACHE != 0,
            heuristic: flags & flag::HEURISTIC != 0,
            immutable: flags & flag::IMMUTABLE != 0,
            must_revalidate: flags & flag::MUST_REVALIDATE != 0,
            initial_age_s: self.u32(52),
        }
    }

    fn position(&self) -> Option<Position> {
        let has = self.u16(6) & flag::HAS_POSITION != 0;
        has.then(|| Position {
            timeline: self.u64(24),
            offset: self.u64(32),
        })
    }
}

impl Entry {
    /// Reads an entry, copying nothing.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes of another version or with lengths that do not add up.
    pub(crate) fn decode(blob: Bytes) -> Result<Self, DecodeError> {
        let fixed = Fixed(blob.first_chunk::<FIXED_BYTES>().ok_or(DecodeError::Unknown)?);
        if blob[..2] != MAGIC || blob[2] != VERSION || fixed.kind().is_none() {
            return Err(DecodeError::Unknown);
        }
        let end = |start: u32, at: usize| start.checked_add(fixed.u32(at)).ok_or(DecodeError::Broken);
        let key_end = end(FIXED_END, 56)?;
        let vary_end = end(key_end, 60)?;
        let head_start = end(vary_end, 64)?;
        let body_start = end(head_start, 68)?;
        let whole = fixed.u64(72).checked_add(body_start.into());
        if whole != Some(blob.len() as u64) || !(100..=999).contains(&fixed.status()) {
            return Err(DecodeError::Broken);
        }
        let section = |from: u32, to: u32| &blob[from as usize..to as usize];
        std::str::from_utf8(section(FIXED_END, key_end)).map_err(|_| DecodeError::Broken)?;
        check_vary(section(key_end, vary_end))?;
        check_tags(section(vary_end, head_start))?;
        Ok(Self {
            key_end,
            vary_end,
            head_start,
            body_start,
            checked_epoch: AtomicU64::new(0),
            late_reads: AtomicU32::new(0),
            weighed: AtomicBool::new(false),
            headers: OnceLock::new(),
            blob,
        })
    }

    fn fixed(&self) -> Fixed<'_> {
        Fixed(
            self.blob
                .first_chunk()
                .expect("a decoded entry has its fixed part"),
        )
    }

    fn section(&self, from: u32, to: u32) -> &[u8] {
        &self.blob[from as usize..to as usize]
    }

    /// The whole block, as it travels to the ring.
    pub(crate) fn blob(&self) -> &Bytes {
        &self.blob
    }

    pub(crate) fn kind(&self) -> Kind {
        self.fixed().kind().expect("a decoded entry is of a known kind")
    }

    pub(crate) fn status(&self) -> u16 {
        self.fixed().status()
    }

    pub(crate) fn facts(&self) -> Facts {
        self.fixed().facts()
    }

    pub(crate) fn receipt(&self) -> Receipt {
        let fixed = self.fixed();
        Receipt {
            status: fixed.status(),
            received_at: UnixMillis(fixed.u64(16)),
        }
    }

    pub(crate) fn requested_at(&self) -> UnixMillis {
        UnixMillis(self.fixed().u64(8))
    }

    pub(crate) fn position(&self) -> Option<Position> {
        self.fixed().position()
    }

    /// The primary key: without the variant.
    pub(crate) fn key(&self) -> &[u8] {
        self.section(FIXED_END, self.key_end)
    }

    /// Names that the response varies on, with the value of the request that it answers.
    pub(crate) fn vary(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        let mut texts = Texts(self.section(self.key_end, self.vary_end));
        std::iter::from_fn(move || {
            let name = texts.next()??;
            let value = texts.next()?;
            Some((std::str::from_utf8(name).ok()?, value))
        })
    }

    /// The tags of the response and of its route.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = Texts(self.section(self.vary_end, self.head_start)).flatten();
        tags.filter_map(|tag| std::str::from_utf8(tag).ok())
    }

    /// Hashes of the URL and of every tag.
    pub(crate) fn floor_tags(&self) -> impl Iterator<Item = TagHash> {
        let url = std::str::from_utf8(self.key()).map(TagHash::of_url).ok();
        url.into_iter().chain(self.tags().map(TagHash::of_tag))
    }

    /// Status line and header fields, each ended by CRLF.
    pub(crate) fn head(&self) -> &[u8] {
        self.section(self.head_start, self.body_start)
    }

    /// The body where it lies.
    pub(crate) fn body_bytes(&self) -> &[u8] {
        &self.blob[self.body_start as usize..]
    }

    pub(crate) fn body(&self) -> Bytes {
        self.blob.slice_ref(self.body_bytes())
    }

    /// The header fields as a map whose values are slices of the block.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.headers
            .get_or_init(|| Box::new(parse_head(&self.blob.slice_ref(self.head()))))
    }

    /// Whether the floors have not moved since the tags were last found good.
    pub(crate) fn checked_at(&self, epoch: u64) -> bool {
        self.checked_epoch.load(Ordering::Acquire) == epoch
    }

    /// Remembers that the tags are good at `epoch`.
    pub(crate) fn mark_checked(&self, epoch: u64) {
        self.checked_epoch.store(epoch, Ordering::Release);
    }

    /// Counts a read in the last part of the lifetime, and says how many there have been.
    pub(crate) fn read_late(&self) -> u32 {
        self.late_reads.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// What the entry costs in memory now, in bytes: what it holds and what a cache needs to find it. Its fields as a map come
    /// later, once HTTP/2 or a validation asks for them.
    pub(crate) fn weight(&self) -> usize {
        weight::of(self.blob.len(), self.headers.get().map(Box::as_ref))
    }

    /// Whether it has grown by its map since it was last weighed.
    pub(crate) fn has_grown(&self) -> bool {
        self.headers.get().is_some() && !self.weighed.load(Ordering::Relaxed)
    }

    /// It is being weighed as it is now.
    pub(crate) fn is_weighed(&self) {
        self.weighed
            .store(self.headers.get().is_some(), Ordering::Relaxed);
    }
}

/// Names, each with its value: one that is passed over would be one that no request is compared with.
fn check_vary(section: &[u8]) -> Result<(), DecodeError> {
    let mut texts = Texts(section);
    while let Some(name) = texts.next_checked()? {
        let is_name = name.is_some_and(|name| std::str::from_utf8(name).is_ok());
        let has_value = texts.next_checked()?.is_some();
        if !is_name || !has_value {
            return Err(DecodeError::Broken);
        }
    }
    Ok(())
}

fn check_tags(section: &[u8]) -> Result<(), DecodeError> {
    let mut texts = Texts(section);
    while let Some(text) = texts.next_checked()? {
        let is_tag = text.is_some_and(|text| std::str::from_utf8(text).is_ok());
        if !is_tag {
            return Err(DecodeError::Broken);
        }
    }
    Ok(())
}

/// Header fields of a head that this module wrote: `name: value CRLF` after the status line.
fn parse_head(head: &Bytes) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut start = head
        .iter()
        .position(|&b| b == b'\n')
        .map_or(head.len(), |at| at + 1);
    while let Some(length) = head[start..].iter().position(|&b| b == b'\n') {
        let line = &head[start..start + length];
        if let Some(colon) = line.iter().position(|&b| b == b':') {
            let value = head.slice(start + colon + 1..start + length).trim_ascii_shared();
            if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(&line[..colon]),
                HeaderValue::from_maybe_shared(value),
            ) {
                headers.append(name, value);
            }
        }
        start += length + 1;
    }
    headers
}

/// `trim_ascii` that keeps sharing the block.
trait TrimShared {
    fn trim_ascii_shared(self) -> Self;
}

impl TrimShared for Bytes {
    fn trim_ascii_shared(self) -> Self {
        let trimmed = self.trim_ascii();
        self.slice_ref(trimmed)
    }
}

#[cfg(test)]
mod tests;
