//! What goes to standard output.

use std::io::{IsTerminal, Write, stdout};

/// Prints; a reader that has left (`proxima-local | head`) is no error.
pub(crate) fn print(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Colour for terminals, none for files and pipes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Paint {
    Colour,
    Plain,
}

impl Paint {
    pub(crate) fn of_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if wanted && stdout().is_terminal() {
            Self::Colour
        } else {
            Self::Plain
        }
    }

    /// `✓` or `✗`.
    pub(crate) fn mark(self, well: bool) -> &'static str {
        match (self, well) {
            (Self::Colour, true) => "\x1b[32m✓\x1b[0m",
            (Self::Colour, false) => "\x1b[31m✗\x1b[0m",
            (Self::Plain, true) => "✓",
            (Self::Plain, false) => "✗",
        }
    }
}
