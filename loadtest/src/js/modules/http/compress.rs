//! `params.compression`: bodies of requests, compressed.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzEncoder, ZlibEncoder};

/// As Go's and most tools' default.
const BROTLI_QUALITY: u32 = 6;
const BROTLI_WINDOW: u32 = 22;
const BROTLI_BUFFER: usize = 4096;

/// `body`, compressed by `algorithm`, a name of `Content-Encoding` (RFC 9110 section 8.4.1).
pub(super) fn encode(algorithm: &str, body: &[u8]) -> Result<Bytes, String> {
    let mut encoded = Vec::new();
    let result = match algorithm {
        "gzip" => GzEncoder::new(body, Compression::default())
            .read_to_end(&mut encoded)
            .map(drop),
        "deflate" => ZlibEncoder::new(body, Compression::default())
            .read_to_end(&mut encoded)
            .map(drop),
        "br" => brotli::CompressorWriter::new(&mut encoded, BROTLI_BUFFER, BROTLI_QUALITY, BROTLI_WINDOW)
            .write_all(body),
        "zstd" => zstd::stream::copy_encode(body, &mut encoded, zstd::DEFAULT_COMPRESSION_LEVEL),
        other => {
            return Err(format!(
                "compression {other:?} is unknown; there are gzip, deflate, br and zstd"
            ));
        }
    };
    result.map_err(|error| format!("cannot compress the body by {algorithm}: {error}"))?;
    Ok(encoded.into())
}
