//! The content codings of a body (RFC 9110 §8.4).

use std::io::Read;

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::BODY_BYTES_MAX;
use super::body::check_length;
use super::failure::Failure;
use super::response::Response;

/// How brotli reads its input.
const BROTLI_BUFFER_BYTES: usize = 4096;
/// A body with more codings fails its exchange.
const CODINGS_MAX: usize = 8;

/// Undoes the codings of a response's body. The fields stay as they came.
pub(super) fn body(mut response: Response) -> Result<Response, Failure> {
    if response.body.is_empty() {
        return Ok(response);
    }
    let encoding = response.headers.all("content-encoding");
    if encoding.is_empty() {
        return Ok(response);
    }
    let encoding = encoding.join(&b',');
    let encoding = String::from_utf8_lossy(&encoding).to_ascii_lowercase();
    let codings: Vec<_> = encoding
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty())
        .collect();
    if codings.len() > CODINGS_MAX {
        return Err(failed("too many content codings"));
    }
    // They are named in the order they were applied in.
    for coding in codings.into_iter().rev() {
        response.body = undo(coding, response.body)?;
    }
    Ok(response)
}

fn undo(coding: &str, body: Bytes) -> Result<Bytes, Failure> {
    let input = body.as_ref();
    match coding {
        "identity" => Ok(body),
        "gzip" | "x-gzip" => read(coding, MultiGzDecoder::new(input)),
        "deflate" => read(coding, ZlibDecoder::new(input)),
        "br" => read(coding, brotli::Decompressor::new(input, BROTLI_BUFFER_BYTES)),
        "zstd" => read(
            coding,
            zstd::stream::read::Decoder::with_buffer(input).map_err(failed)?,
        ),
        other => Err(failed(format_args!(
            "unknown content coding {other:?}; ask for gzip, deflate, br or zstd by Accept-Encoding"
        ))),
    }
}

fn read(coding: &str, decoder: impl Read) -> Result<Bytes, Failure> {
    let mut decoded = Vec::new();
    decoder
        .take(BODY_BYTES_MAX + 1)
        .read_to_end(&mut decoded)
        .map_err(|error| failed(format_args!("{coding}: {error}")))?;
    check_length(decoded.len() as u64)?;
    Ok(decoded.into())
}

fn failed(why: impl std::fmt::Display) -> Failure {
    Failure::new(Failure::DECOMPRESSION, format!("decompressing the body: {why}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;
    use crate::http::{Headers, Proto};

    const TEXT: &[u8] = b"the same again, the same again, the same again";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn br(bytes: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        brotli::CompressorWriter::new(&mut encoded, 4096, 5, 22)
            .write_all(bytes)
            .unwrap();
        encoded
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    fn decoded(encoding: &str, bytes: Vec<u8>) -> Result<Bytes, Failure> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n");
        let response = Response {
            status: 200,
            proto: Proto::Http11,
            headers: Headers::raw(head.as_bytes()),
            body: bytes.into(),
        };
        body(response).map(|response| response.body)
    }

    #[test]
    fn a_body_is_decoded_as_its_fields_say() {
        for (encoding, bytes) in [
            ("identity", TEXT.to_vec()),
            ("gzip", gzip(TEXT)),
            ("GZIP", [gzip(&TEXT[..9]), gzip(&TEXT[9..])].concat()),
            ("deflate", deflate(TEXT)),
            ("br", br(TEXT)),
            ("zstd", zstd(TEXT)),
            ("br, gzip", gzip(&br(TEXT))),
            ("gzip\r\nContent-Encoding: zstd", zstd(&gzip(TEXT))),
        ] {
            assert_eq!(decoded(encoding, bytes).unwrap(), TEXT, "{encoding}");
        }
        assert_eq!(decoded("gzip", Vec::new()).unwrap(), Bytes::new());
    }

    #[test]
    fn a_body_that_is_not_what_its_fields_say_is_a_failure() {
        let many = ["gzip"; CODINGS_MAX + 1].join(",");
        for (encoding, bytes, why) in [
            ("gzip", TEXT.to_vec(), "gzip: "),
            ("gzip", gzip(TEXT)[..20].to_vec(), "gzip: "),
            ("deflate", TEXT.to_vec(), "deflate: "),
            ("br", TEXT.to_vec(), "br: "),
            ("zstd", TEXT.to_vec(), "zstd: "),
            ("lzma", TEXT.to_vec(), "unknown content coding \"lzma\""),
            (many.as_str(), TEXT.to_vec(), "too many"),
        ] {
            let failure = decoded(encoding, bytes).unwrap_err();
            assert_eq!(failure.code, 1701);
            assert!(failure.message.contains(why), "{encoding}: {failure}");
        }
    }
}
