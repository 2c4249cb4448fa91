//! The body of a response while it arrives.

use bytes::Bytes;

use super::BODY_BYTES_MAX;
use super::failure::Failure;

/// What has arrived: kept, or counted only.
#[derive(Debug)]
pub(super) struct Body {
    kept: Option<Vec<u8>>,
    len: u64,
}

impl Body {
    pub(super) fn new(keep: bool) -> Self {
        Self {
            kept: keep.then(Vec::new),
            len: 0,
        }
    }

    /// Takes more of it in.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.len += bytes.len() as u64;
        check_length(self.len)?;
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Empty if it was not kept.
    pub(super) fn into_bytes(self) -> Bytes {
        self.kept.unwrap_or_default().into()
    }
}

/// Fails for a body that is too long.
pub(super) fn check_length(len: u64) -> Result<(), Failure> {
    if len > BODY_BYTES_MAX {
        let gib = BODY_BYTES_MAX >> 30;
        return Err(Failure::new(
            Failure::GENERIC,
            format!("the response's body is longer than {gib} GiB; ask for it in parts"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_bounded_even_if_it_is_thrown_away() {
        assert!(check_length(BODY_BYTES_MAX).is_ok());
        let mut body = Body {
            kept: None,
            len: BODY_BYTES_MAX,
        };
        let failure = body.push(b"x").unwrap_err();
        assert!(failure.message.contains("longer than 1 GiB"), "{failure}");
    }
}
