//! Where raw samples go: a file, a compressed file, or standard output.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Bytes that are gathered before the operating system is bothered.
const BUFFER_BYTES: usize = 64 * 1024;

enum Writer {
    Stdout(BufWriter<Stdout>),
    File(BufWriter<File>),
    Gzip(BufWriter<GzEncoder<File>>),
}

/// An open destination.
pub(super) struct Destination {
    writer: Writer,
    /// For error messages.
    name: String,
}

impl Destination {
    /// `-` is standard output, and a name that ends with `.gz` a compressed file. A file that is there is overwritten.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let name = path.display().to_string();
        let writer = if name == "-" {
            Writer::Stdout(BufWriter::with_capacity(BUFFER_BYTES, io::stdout()))
        } else {
            let file = File::create(path).map_err(|error| named(&name, &error))?;
            if path.extension().is_some_and(|ending| ending == "gz") {
                let compressed = GzEncoder::new(file, Compression::fast());
                Writer::Gzip(BufWriter::with_capacity(BUFFER_BYTES, compressed))
            } else {
                Writer::File(BufWriter::with_capacity(BUFFER_BYTES, file))
            }
        };
        Ok(Self { writer, name })
    }

    /// Writes what is left, and closes a file.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.writer {
            Writer::Stdout(mut stdout) => stdout.flush(),
            Writer::File(mut file) => file.flush(),
            Writer::Gzip(gzip) => gzip
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|gzip| gzip.finish().map(drop)),
        }
        .map_err(|error| named(&self.name, &error))
    }
}

fn named(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Writer::Stdout(writer) => writer.write(bytes),
            Writer::File(writer) => writer.write(bytes),
            Writer::Gzip(writer) => writer.write(bytes),
        }
        .map_err(|error| named(&self.name, &error))
    }

    /// A compressed file keeps its bytes back: to let go of them early would cost compression.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Writer::Stdout(writer) => writer.flush(),
            Writer::File(writer) => writer.flush(),
            Writer::Gzip(_) => Ok(()),
        }
        .map_err(|error| named(&self.name, &error))
    }
}
