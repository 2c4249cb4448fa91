//! Writing an entry's block.

use bytes::{BufMut, Bytes, BytesMut};

use super::{ABSENT, FIXED_BYTES, Kind, MAGIC, VERSION, flag};
use crate::clock::UnixMillis;
use crate::policy::freshness::Facts;
use crate::position::Position;

/// What an entry is made from.
#[derive(Debug, Clone)]
pub(crate) struct Parts<'p> {
    pub(crate) kind: Kind,
    pub(crate) status: u16,
    pub(crate) requested_at: UnixMillis,
    pub(crate) received_at: UnixMillis,
    pub(crate) position: Option<Position>,
    pub(crate) facts: Facts,
    pub(crate) key: &'p str,
    /// Name and the request's value, `None` where the request had none.
    pub(crate) vary: Vec<(String, Option<Vec<u8>>)>,
    pub(crate) tags: Vec<String>,
    pub(crate) head: &'p [u8],
    pub(crate) body: &'p [Bytes],
}

/// Writes an entry. Texts longer than 64 KiB in `vary` or `tags` make it `None`: such a response is not stored.
pub(crate) fn encode(parts: &Parts<'_>) -> Option<Bytes> {
    let mut vary = Vec::new();
    for (name, value) in &parts.vary {
        put_text(&mut vary, Some(name.as_bytes()))?;
        put_text(&mut vary, value.as_deref())?;
    }
    let mut tags = Vec::new();
    for tag in &parts.tags {
        put_text(&mut tags, Some(tag.as_bytes()))?;
    }
    let body_bytes: usize = parts.body.iter().map(Bytes::len).sum();
    let size = FIXED_BYTES + parts.key.len() + vary.len() + tags.len() + parts.head.len() + body_bytes;
    let mut out = BytesMut::with_capacity(size);
    out.put_slice(&MAGIC);
    out.put_u8(VERSION);
    out.put_u8(u8::from(parts.kind == Kind::VaryMarker));
    out.put_u16_le(parts.status);
    out.put_u16_le(flags(parts));
    out.put_u64_le(parts.requested_at.0);
    out.put_u64_le(parts.received_at.0);
    let position = parts.position.unwrap_or_default();
    out.put_u64_le(position.timeline);
    out.put_u64_le(position.offset);
    out.put_u32_le(parts.facts.lifetime_s.unwrap_or(0));
    out.put_u32_le(parts.facts.stale_while_revalidate_s.unwrap_or(0));
    out.put_u32_le(parts.facts.stale_if_error_s.unwrap_or(0));
    out.put_u32_le(parts.facts.initial_age_s);
    for section in [parts.key.len(), vary.len(), tags.len(), parts.head.len()] {
        out.put_u32_le(u32::try_from(section).ok()?);
    }
    out.put_u64_le(body_bytes as u64);
    out.put_slice(parts.key.as_bytes());
    out.put_slice(&vary);
    out.put_slice(&tags);
    out.put_slice(parts.head);
    parts.body.iter().for_each(|chunk| out.put_slice(chunk));
    Some(out.freeze())
}

fn flags(parts: &Parts<'_>) -> u16 {
    let facts = &parts.facts;
    [
        (facts.no_cache, flag::NO_CACHE),
        (facts.heuristic, flag::HEURISTIC),
        (facts.immutable, flag::IMMUTABLE),
        (facts.must_revalidate, flag::MUST_REVALIDATE),
        (parts.position.is_some(), flag::HAS_POSITION),
        (facts.lifetime_s.is_some(), flag::HAS_LIFETIME),
        (
            facts.stale_while_revalidate_s.is_some(),
            flag::HAS_WHILE_REVALIDATE,
        ),
        (facts.stale_if_error_s.is_some(), flag::HAS_IF_ERROR),
    ]
    .iter()
    .filter(|(set, _)| *set)
    .fold(0, |flags, (_, bit)| flags | bit)
}

fn put_text(out: &mut Vec<u8>, text: Option<&[u8]>) -> Option<()> {
    let length = match text {
        Some(text) => u16::try_from(text.len())
            .ok()
            .filter(|&length| length != ABSENT)?,
        None => ABSENT,
    };
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.unwrap_or_default());
    Some(())
}
