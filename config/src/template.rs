//! Path patterns (`/profiles/{id}`) and the tags made from what they capture (`profile:{id}`).

mod path;
mod tag;

pub use path::{Captures, PathPattern, Segment};
pub use tag::TagTemplate;

/// Parameters that one pattern may have: captures then live in a fixed array, not on the heap.
pub const PARAMS_MAX: usize = 8;

/// Why a text is not a pattern or a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Patterns match whole paths.
    #[error("does not start with `/`")]
    NoSlash,
    /// `//` inside a pattern.
    #[error("has an empty segment")]
    EmptySegment,
    /// `.` and `..` are resolved before a path is matched.
    #[error("has a `{0}` segment, which no request has after normalisation")]
    DotSegment(String),
    /// A brace without its partner, or text beside a parameter in a path.
    #[error("has `{0}`, but a parameter is written `{{name}}` and fills its whole segment")]
    Braces(String),
    /// Anything else than a letter or underscore followed by letters, digits and underscores.
    #[error("has a parameter named `{0}`, but a name has only a-z, 0-9 and _ and starts with a letter or _")]
    Name(String),
    /// Names are how captures are asked for.
    #[error("names the parameter `{0}` twice")]
    Repeated(String),
    /// More parameters than [`PARAMS_MAX`].
    #[error("has more than {PARAMS_MAX} parameters")]
    TooMany,
    /// `{name...}` takes everything that follows.
    #[error("has segments after `{{{0}...}}`")]
    RestNotLast(String),
    /// Whitespace, a query, or something that a path carries percent-encoded.
    #[error("has the character {0:?}, which a path carries only percent-encoded")]
    PathCharacter(char),
    /// Something that separates tags in `Surrogate-Key` or `Cache-Tag`.
    #[error("has the character {0:?}, which cannot be part of a tag")]
    TagCharacter(char),
    /// A tag without text.
    #[error("is empty")]
    EmptyTag,
    /// A tag asks for what its path does not capture.
    #[error("names the parameter `{0}`, which the path lacks")]
    UnknownParameter(String),
}

/// A parameter's name: a letter or underscore, then letters, digits and underscores, all lower case.
fn parameter_name(name: &str) -> Result<String, TemplateError> {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let valid = name.bytes().next().is_some_and(lower)
        && name.bytes().all(|byte| lower(byte) || byte.is_ascii_digit());
    if valid {
        Ok(name.to_owned())
    } else {
        Err(TemplateError::Name(name.to_owned()))
    }
}
