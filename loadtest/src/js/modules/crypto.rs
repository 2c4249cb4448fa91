//! Native side of `k6/crypto`: digests, HMACs and random bytes.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use base64::Engine as _;
use hmac::{EagerHash, HmacReset, KeyInit as _};
use md4::Md4;
use md5::Md5;
use rand::Rng as _;
use ripemd::Ripemd160;
use rquickjs::{ArrayBuffer, Ctx, Error, Exception, Function, IntoJs as _, Object, Result, Value};
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

use super::encoding::{RAW_URL, STD, URL, bytes_of, name_of};

/// Bytes that one call of `randomBytes` gives at most.
const RANDOM_BYTES_MAX: usize = 64 << 20;

/// A digest or an HMAC under way.
type State = Box<dyn DynDigest>;

/// A hash function.
struct Algorithm {
    /// As scripts write it.
    name: &'static str,
    plain: fn() -> State,
    /// With a secret: HMAC (RFC 2104).
    keyed: fn(&[u8]) -> State,
}

static ALGORITHMS: [Algorithm; 9] = [
    algorithm::<Md4>("md4"),
    algorithm::<Md5>("md5"),
    algorithm::<Sha1>("sha1"),
    algorithm::<Sha256>("sha256"),
    algorithm::<Sha384>("sha384"),
    algorithm::<Sha512>("sha512"),
    algorithm::<Sha512_224>("sha512_224"),
    algorithm::<Sha512_256>("sha512_256"),
    algorithm::<Ripemd160>("ripemd160"),
];

const fn algorithm<D>(name: &'static str) -> Algorithm
where
    D: EagerHash + DynDigest + Default + 'static,
    HmacReset<D>: DynDigest,
{
    Algorithm {
        name,
        plain: || Box::new(D::default()),
        keyed: |secret| {
            Box::new(HmacReset::<D>::new_from_slice(secret).expect("a secret may have any length"))
        },
    }
}

/// How a digest is given to a script.
#[derive(Clone, Copy)]
enum Output {
    Hex,
    Base64,
    Base64Url,
    Base64RawUrl,
    /// An `ArrayBuffer`.
    Binary,
}

const OUTPUTS: [(&str, Output); 5] = [
    ("hex", Output::Hex),
    ("base64", Output::Base64),
    ("base64url", Output::Base64Url),
    ("base64rawurl", Output::Base64RawUrl),
    ("binary", Output::Binary),
];

impl Output {
    fn of<'js>(ctx: &Ctx<'js>, encoding: &Value<'js>) -> Result<Self> {
        let name = name_of(ctx, "outputEncoding", encoding)?;
        let known = OUTPUTS.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, output)| *output)
            .ok_or_else(|| unknown(ctx, "output encoding", &name, &OUTPUTS.map(|(known, _)| known)))
    }

    fn write<'js>(self, ctx: &Ctx<'js>, digest: &[u8]) -> Result<Value<'js>> {
        match self {
            Self::Hex => hex(digest).into_js(ctx),
            Self::Base64 => STD.encode(digest).into_js(ctx),
            Self::Base64Url => URL.encode(digest).into_js(ctx),
            Self::Base64RawUrl => RAW_URL.encode(digest).into_js(ctx),
            Self::Binary => ArrayBuffer::new(ctx.clone(), digest)?.into_js(ctx),
        }
    }
}

/// `{ algorithms, createHash(algorithm), createHMAC(algorithm, secret), hexEncode(data), randomBytes(size) }`.
pub(super) fn native<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("algorithms", algorithm_names().to_vec())?;
    native.set("createHash", Function::new(ctx.clone(), create_hash)?)?;
    native.set("createHMAC", Function::new(ctx.clone(), create_hmac)?)?;
    native.set("hexEncode", Function::new(ctx.clone(), hex_encode)?)?;
    native.set("randomBytes", Function::new(ctx.clone(), random_bytes)?)?;
    Ok(native)
}

#[expect(clippy::needless_pass_by_value, reason = "rquickjs passes arguments by value")]
fn create_hash<'js>(ctx: Ctx<'js>, algorithm: Value<'js>) -> Result<Object<'js>> {
    let algorithm = algorithm_of(&ctx, &algorithm)?;
    hasher(&ctx, (algorithm.plain)())
}

#[expect(clippy::needless_pass_by_value, reason = "rquickjs passes arguments by value")]
fn create_hmac<'js>(ctx: Ctx<'js>, algorithm: Value<'js>, secret: Value<'js>) -> Result<Object<'js>> {
    let algorithm = algorithm_of(&ctx, &algorithm)?;
    let secret = bytes_of(&ctx, "secret", &secret)?;
    hasher(&ctx, (algorithm.keyed)(&secret))
}

/// `{ update(data), digest(outputEncoding) }`; it can go on after a digest.
fn hasher<'js>(ctx: &Ctx<'js>, state: State) -> Result<Object<'js>> {
    let state = Rc::new(RefCell::new(state));
    let hasher = Object::new(ctx.clone())?;
    let shared = Rc::clone(&state);
    let update = move |ctx: Ctx<'js>, data: Value<'js>| -> Result<()> {
        // First, as what a script put in the place of the engine's own methods may call this again.
        let bytes = bytes_of(&ctx, "data", &data)?;
        shared.borrow_mut().update(&bytes);
        Ok(())
    };
    hasher.set("update", Function::new(ctx.clone(), update)?)?;
    let digest = move |ctx: Ctx<'js>, encoding: Value<'js>| -> Result<Value<'js>> {
        let output = Output::of(&ctx, &encoding)?;
        let state = state.borrow().clone();
        output.write(&ctx, &state.finalize())
    };
    hasher.set("digest", Function::new(ctx.clone(), digest)?)?;
    Ok(hasher)
}

#[expect(clippy::needless_pass_by_value, reason = "rquickjs passes arguments by value")]
fn hex_encode<'js>(ctx: Ctx<'js>, data: Value<'js>) -> Result<String> {
    bytes_of(&ctx, "data", &data).map(|bytes| hex(&bytes))
}

#[expect(clippy::needless_pass_by_value, reason = "rquickjs passes arguments by value")]
fn random_bytes<'js>(ctx: Ctx<'js>, size: Value<'js>) -> Result<ArrayBuffer<'js>> {
    let size = size
        .as_int()
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= RANDOM_BYTES_MAX)
        .ok_or_else(|| {
            let message = format!("size has to be a whole number from 0 to {RANDOM_BYTES_MAX}");
            Exception::throw_range(&ctx, &message)
        })?;
    let mut bytes = vec![0; size];
    rand::rng().fill_bytes(&mut bytes);
    ArrayBuffer::new(ctx, bytes)
}

fn algorithm_of<'js>(ctx: &Ctx<'js>, algorithm: &Value<'js>) -> Result<&'static Algorithm> {
    let name = name_of(ctx, "algorithm", algorithm)?;
    let known = ALGORITHMS.iter().find(|algorithm| algorithm.name == name);
    known.ok_or_else(|| unknown(ctx, "algorithm", &name, &algorithm_names()))
}

fn algorithm_names() -> [&'static str; 9] {
    ALGORITHMS.each_ref().map(|algorithm| algorithm.name)
}

fn unknown(ctx: &Ctx<'_>, what: &str, name: &str, known: &[&str]) -> Error {
    Exception::throw_message(
        ctx,
        &format!("no {what} {name:?}: there are {}", known.join(", ")),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes any text");
            text
        })
}
