//! The chunked transfer coding (RFC 9112 §7.1).

use httparse::Status;

use crate::http::HEAD_BYTES_MAX;
use crate::http::body::Body;
use crate::http::failure::Failure;

/// A longer line of a chunk's size and extensions fails its exchange.
const SIZE_LINE_BYTES_MAX: usize = 16 * 1024;

/// Where in a chunked body the next byte is.
#[derive(Debug)]
pub(super) enum Decoder {
    /// In the line before a chunk.
    Size,
    /// In a chunk that has so many bytes left.
    Data(u64),
    /// In the line end behind a chunk.
    DataEnd,
    /// In the trailer section, after so many bytes of it.
    Trailers(usize),
    /// Behind the body.
    Done,
}

impl Decoder {
    /// Takes what it can use from `input` and returns how much that was. What is left over was too little.
    pub(super) fn decode(&mut self, input: &[u8], body: &mut Body) -> Result<usize, Failure> {
        let mut used = 0;
        while let Some(count) = self.step(&input[used..], body)? {
            used += count;
        }
        Ok(used)
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// `None` if it takes more input.
    fn step(&mut self, input: &[u8], body: &mut Body) -> Result<Option<usize>, Failure> {
        match self {
            Self::Size => {
                let Some((count, size)) = size_line(input)? else {
                    return Ok(None);
                };
                *self = match size {
                    0 => Self::Trailers(0),
                    size => Self::Data(size),
                };
                Ok(Some(count))
            }
            Self::Data(_) if input.is_empty() => Ok(None),
            Self::Data(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                body.push(&input[..count])?;
                *left -= count as u64;
                if *left == 0 {
                    *self = Self::DataEnd;
                }
                Ok(Some(count))
            }
            Self::DataEnd => match input {
                [b'\r', b'\n', ..] => {
                    *self = Self::Size;
                    Ok(Some(2))
                }
                [] | [b'\r'] => Ok(None),
                _ => Err(Failure::malformed("a chunk is longer than it says")),
            },
            Self::Trailers(seen) => {
                let line = input.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
                if *seen + line.unwrap_or(input.len()) > HEAD_BYTES_MAX {
                    return Err(Failure::malformed("its trailers are too long"));
                }
                let Some(line) = line else { return Ok(None) };
                *self = match &input[..line] {
                    b"\r\n" | b"\n" => Self::Done,
                    _ => Self::Trailers(*seen + line),
                };
                Ok(Some(line))
            }
            Self::Done => Ok(None),
        }
    }
}

/// Length of the line, and size of the chunk behind it.
fn size_line(input: &[u8]) -> Result<Option<(usize, u64)>, Failure> {
    // The parser takes a line without digits for a size of 0.
    if input.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) {
        return Err(Failure::malformed("the size of a chunk is not a number"));
    }
    match httparse::parse_chunk_size(input) {
        Ok(Status::Complete(parsed)) => Ok(Some(parsed)),
        Ok(Status::Partial) if input.len() > SIZE_LINE_BYTES_MAX => {
            Err(Failure::malformed("the line of a chunk's size is too long"))
        }
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(Failure::malformed("the size of a chunk is not a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in pieces; the body, and what was left behind its end.
    fn decode(input: &[u8], piece: usize) -> Result<(Vec<u8>, usize), Failure> {
        let (mut decoder, mut body, mut start) = (Decoder::Size, Body::new(true), 0);
        for end in (0..input.len())
            .step_by(piece)
            .map(|at| (at + piece).min(input.len()))
        {
            start += decoder.decode(&input[start..end], &mut body)?;
        }
        match decoder.is_done() {
            true => Ok((body.into_bytes().to_vec(), input.len() - start)),
            false => Err(Failure::truncated()),
        }
    }

    #[test]
    fn a_body_is_the_same_however_its_bytes_arrive() {
        let input = b"4\r\nwiki\r\n00A;x=\"y\"\r\npedia in\r\n\r\n0\r\nTrailer: x\r\n\r\nnext";
        for piece in 1..=input.len() {
            let (body, left) = decode(input, piece).unwrap();
            assert_eq!((body.as_slice(), left), (&b"wikipedia in\r\n"[..], 4), "{piece}");
        }
    }

    #[test]
    fn what_is_not_a_chunk_is_not_guessed_at() {
        for (input, why) in [
            (&b"\r\n\r\n"[..], "not a number"),
            (b"-1\r\n", "not a number"),
            (b"xyz\r\n", "not a number"),
            (b"11111111111111111\r\n", "not a number"),
            (b"2\r\nabc\r\n0\r\n\r\n", "longer than it says"),
            (b"40000001\r\n", "unexpected EOF"),
            (b"2\r\nab\r\n0\r\n", "unexpected EOF"),
        ] {
            let failure = decode(input, 1).unwrap_err();
            assert!(failure.message.contains(why), "{input:?}: {failure}");
        }
    }

    #[test]
    fn lines_are_bounded() {
        let extension = [b"1;".as_slice(), &vec![b'x'; SIZE_LINE_BYTES_MAX]].concat();
        assert!(decode(&extension, 4096).unwrap_err().message.contains("too long"));
        let trailers = [b"0\r\n".as_slice(), &b"a: b\r\n".repeat(HEAD_BYTES_MAX / 6 + 1)].concat();
        assert!(decode(&trailers, 4096).unwrap_err().message.contains("too long"));
    }
}
