//! Native side of `k6/encoding`: base64 (RFC 4648), and the bytes of what scripts pass as data.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rquickjs::function::{Constructor, This};
use rquickjs::{
    ArrayBuffer, Ctx, Error, Exception, Function, IntoJs as _, Object, Result, String as JsString, Value,
};

/// The alphabet of RFC 4648, 4, with `=`.
pub(super) const STD: GeneralPurpose = engine(&STANDARD, true);
/// The alphabet of RFC 4648, 4, without `=`.
const RAW_STD: GeneralPurpose = engine(&STANDARD, false);
/// The alphabet of RFC 4648, 5, with `=`.
pub(super) const URL: GeneralPurpose = engine(&URL_SAFE, true);
/// The alphabet of RFC 4648, 5, without `=`.
pub(super) const RAW_URL: GeneralPurpose = engine(&URL_SAFE, false);

const ENCODINGS: [(&str, &GeneralPurpose); 4] = [
    ("std", &STD),
    ("rawstd", &RAW_STD),
    ("url", &URL),
    ("rawurl", &RAW_URL),
];

/// Go's decoders, which scripts are written for, insist on the padding and let bits after the last byte be.
const fn engine(alphabet: &Alphabet, padding: bool) -> GeneralPurpose {
    let mode = if padding {
        DecodePaddingMode::RequireCanonical
    } else {
        DecodePaddingMode::RequireNone
    };
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(padding)
        .with_decode_padding_mode(mode)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

/// `{ encode(input, encoding), decode(input, encoding, asString) }`.
pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("encode", Function::new(ctx.clone(), encode)?)?;
    native.set("decode", Function::new(ctx.clone(), decode)?)?;
    Ok(native)
}

#[expect(clippy::needless_pass_by_value, reason = "rquickjs passes arguments by value")]
fn encode<'js>(ctx: Ctx<'js>, input: Value<'js>, encoding: Value<'js>) -> Result<String> {
    let engine = encoding_of(&ctx, &encoding)?;
    Ok(engine.encode(bytes_of(&ctx, "input", &input)?))
}

#[expect(clippy::needless_pass_by_value, reason = "rquickjs passes arguments by value")]
fn decode<'js>(
    ctx: Ctx<'js>,
    input: Value<'js>,
    encoding: Value<'js>,
    as_string: bool,
) -> Result<Value<'js>> {
    let engine = encoding_of(&ctx, &encoding)?;
    let mut text = bytes_of(&ctx, "input", &input)?;
    // Go's decoders skip line breaks.
    text.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    let bytes = engine.decode(&text).map_err(|error| {
        Exception::throw_message(&ctx, &format!("input is not base64 of this encoding: {error}"))
    })?;
    if as_string {
        String::from_utf8_lossy(&bytes).as_ref().into_js(&ctx)
    } else {
        ArrayBuffer::new(ctx.clone(), bytes)?.into_js(&ctx)
    }
}

fn encoding_of<'js>(ctx: &Ctx<'js>, encoding: &Value<'js>) -> Result<&'static GeneralPurpose> {
    let name = name_of(ctx, "encoding", encoding)?;
    let known = ENCODINGS.iter().find(|(known, _)| *known == name);
    known.map(|(_, engine)| *engine).ok_or_else(|| {
        let names = ENCODINGS.map(|(known, _)| known).join(", ");
        Exception::throw_message(ctx, &format!("no encoding {name:?}: there are {names}"))
    })
}

/// The string that an argument is.
///
/// # Errors
/// An exception that tells `argument` and its type, if it is no string.
pub(super) fn name_of<'js>(ctx: &Ctx<'js>, argument: &str, value: &Value<'js>) -> Result<String> {
    value.as_string().map_or_else(
        || Err(wrong_type(ctx, argument, "a string", value)),
        |text| text_of(ctx, text),
    )
}

/// What an argument is in bytes: a string in UTF-8 (with U+FFFD for half a surrogate pair), an `ArrayBuffer`, or the
/// part of one that a typed array or a `DataView` shows.
///
/// # Errors
/// An exception that tells `argument` and its type, if it is none of these; the engine's, if the buffer is detached.
pub(super) fn bytes_of<'js>(ctx: &Ctx<'js>, argument: &str, value: &Value<'js>) -> Result<Vec<u8>> {
    if let Some(text) = value.as_string() {
        return text_of(ctx, text).map(String::into_bytes);
    }
    let view = value
        .as_object()
        .map(|object| bytes_shown(ctx, object))
        .transpose()?;
    let Some(view) = view.flatten() else {
        return Err(wrong_type(ctx, argument, "a string or an ArrayBuffer", value));
    };
    // To look into the engine's memory is unsafe, and to ask for each byte is slow. Its own base64 is neither.
    let text: String = method(ctx, "Uint8Array", "toBase64")?.call((This(view),))?;
    STD.decode(text)
        .map_err(|error| Exception::throw_message(ctx, &error.to_string()))
}

fn text_of<'js>(ctx: &Ctx<'js>, text: &JsString<'js>) -> Result<String> {
    match text.to_string() {
        // Half a surrogate pair has no UTF-8.
        Err(Error::Utf8(_)) => method(ctx, "String", "toWellFormed")?.call((This(text.clone()),)),
        text => text,
    }
}

/// A `Uint8Array` over the bytes of an `ArrayBuffer` or a view of one; `None` for any other object.
fn bytes_shown<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<Option<Object<'js>>> {
    if object.is_typed_array::<u8>() {
        return Ok(Some(object.clone()));
    }
    let bytes: Constructor<'js> = ctx.globals().get("Uint8Array")?;
    // rquickjs could tell a buffer itself, but leaves an exception pending if it is none.
    let buffer: Object<'js> = ctx.globals().get("ArrayBuffer")?;
    let is_view: Function<'js> = buffer.get("isView")?;
    if is_view.call((object.clone(),))? {
        let part = ["buffer", "byteOffset", "byteLength"].map(|key| object.get::<_, Value<'js>>(key));
        let [buffer, offset, length] = part;
        return bytes.construct((buffer?, offset?, length?)).map(Some);
    }
    if object.is_instance_of(&buffer) {
        return bytes.construct((object.clone(),)).map(Some);
    }
    Ok(None)
}

fn method<'js>(ctx: &Ctx<'js>, class: &str, name: &str) -> Result<Function<'js>> {
    let class: Object<'js> = ctx.globals().get(class)?;
    let prototype: Object<'js> = class.get("prototype")?;
    prototype.get(name)
}

fn wrong_type<'js>(ctx: &Ctx<'js>, argument: &str, wanted: &str, value: &Value<'js>) -> Error {
    let message = format!("{argument} has to be {wanted}, not {}", value.type_name());
    Exception::throw_type(ctx, &message)
}
