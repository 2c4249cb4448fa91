//! Where a request goes: a URL, parsed once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use std::rc::Rc;
use url::{Host, Url};

use super::failure::Failure;

/// The server of a URL: what a connection is made to, and pooled by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// In lower case, international names in ASCII, IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// `https`.
    pub(super) secure: bool,
}

/// A parsed URL, ready to be asked for.
#[derive(Debug)]
pub struct Target {
    text: Rc<str>,
    clean: Option<Rc<str>>,
    parsed: Url,
    origin: Origin,
    /// `Host` and `:authority`: without the scheme's own port.
    authority: String,
    /// Path and query as they are in the text: a server has to see what the script wrote, dot segments included.
    path: String,
    authorization: Option<HeaderValue>,
    uri: Uri,
}

impl Target {
    /// Parses an absolute URL.
    ///
    /// # Errors
    /// 1020 if the text is no URL, or not one of `http` or `https` with a host.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(invalid("invalid control character in URL"));
        }
        let parsed = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => invalid(r#"unsupported protocol scheme """#),
            error => invalid(error),
        })?;
        let secure = match parsed.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(invalid(format_args!("unsupported protocol scheme {other:?}"))),
        };
        let (authority, path) = split(text).ok_or_else(|| invalid("no Host in request URL"))?;
        if authority.contains('\\') {
            return Err(invalid("invalid character \"\\\\\" in host name"));
        }
        Self::build(text, parsed, secure, &path)
    }

    fn build(text: &str, parsed: Url, secure: bool, path: &str) -> Result<Self, Failure> {
        let host = match parsed.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            None => return Err(invalid("no Host in request URL")),
        };
        let bracketed = parsed.host_str().unwrap_or_default();
        let authority = parsed
            .port()
            .map_or_else(|| bracketed.to_owned(), |port| format!("{bracketed}:{port}"));
        let uri = Uri::builder()
            .scheme(parsed.scheme())
            .authority(authority.as_str())
            .path_and_query(path)
            .build()
            .map_err(invalid)?;
        Ok(Self {
            text: text.into(),
            clean: clean(&parsed).map(Into::into),
            origin: Origin {
                host,
                port: parsed.port_or_known_default().unwrap_or_default(),
                secure,
            },
            authorization: authorization(&parsed),
            authority,
            path: path.to_owned(),
            parsed,
            uri,
        })
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.text
    }

    /// The same, to keep.
    #[must_use]
    pub fn shared_url(&self) -> Rc<str> {
        self.text.clone()
    }

    /// The same without user and password, which k6 writes as `****` in tags.
    #[must_use]
    pub fn clean_url(&self) -> &Rc<str> {
        self.clean.as_ref().unwrap_or(&self.text)
    }

    /// As the URL standard sees it, for cookies and redirects.
    #[must_use]
    pub fn parsed(&self) -> &Url {
        &self.parsed
    }

    /// Host and port, as `Host` has them: what `batchPerHost` counts by.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// `Authorization` for the URL's user and password.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl Origin {
    /// The name that the server's certificate has to have.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, Failure> {
        ServerName::try_from(self.host.clone()).map_err(invalid)
    }
}

/// Authority, and path with query, of a URL's text.
fn split(text: &str) -> Option<(&str, String)> {
    let (_, rest) = text.trim_matches(' ').split_once("://")?;
    let rest = rest.split('#').next().unwrap_or_default();
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(at);
    let mut path = String::with_capacity(tail.len() + 1);
    if !tail.starts_with('/') {
        path.push('/');
    }
    for byte in tail.bytes() {
        match byte {
            b'!'..=b'~' if !b"\"<>\\^`{|}".contains(&byte) => path.push(char::from(byte)),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    Some((authority, path))
}

fn clean(parsed: &Url) -> Option<String> {
    if parsed.username().is_empty() && parsed.password().is_none() {
        return None;
    }
    let mut clean = parsed.clone();
    // Neither can fail: the URL has a host.
    clean.set_username("****").ok()?;
    clean.set_password(Some("****")).ok()?;
    Some(clean.into())
}

fn authorization(parsed: &Url) -> Option<HeaderValue> {
    if parsed.username().is_empty() && parsed.password().is_none() {
        return None;
    }
    let mut user = unescape(parsed.username());
    user.push(b':');
    user.extend(unescape(parsed.password().unwrap_or_default()));
    HeaderValue::try_from(format!("Basic {}", STANDARD.encode(user))).ok()
}

/// Percent-encoding undone.
fn unescape(text: &str) -> Vec<u8> {
    let hex = |at: usize| {
        text.get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match (byte, hex(at)) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    bytes
}

fn invalid(why: impl std::fmt::Display) -> Failure {
    Failure::new(Failure::INVALID_URL, format!("invalid URL: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_an_origin_and_asks_for_what_the_script_wrote() {
        for (url, host, port, authority, path) in [
            ("http://a", "a", 80, "a", "/"),
            ("http://A:80/x?y#z", "a", 80, "a", "/x?y"),
            ("https://a?q=1", "a", 443, "a", "/?q=1"),
            (
                "https://a:8443/b/../c//%2e%2e",
                "a",
                8443,
                "a:8443",
                "/b/../c//%2e%2e",
            ),
            ("http://[::1]:81/", "::1", 81, "[::1]:81", "/"),
            ("http://a/ä |", "a", 80, "a", "/%C3%A4%20%7C"),
            (
                "http://bücher.de/",
                "xn--bcher-kva.de",
                80,
                "xn--bcher-kva.de",
                "/",
            ),
            ("http://u:p@a:8/", "a", 8, "a:8", "/"),
        ] {
            let target = Target::parse(url).unwrap();
            let origin = target.origin();
            assert_eq!((origin.host.as_str(), origin.port), (host, port), "{url}");
            assert_eq!((target.authority(), target.path()), (authority, path), "{url}");
            assert_eq!(origin.secure, url.starts_with("https"), "{url}");
            assert_eq!(target.url(), url);
        }
    }

    #[test]
    fn a_text_that_nothing_can_be_sent_to_is_an_invalid_url() {
        for (text, why) in [
            ("", "unsupported protocol scheme \"\""),
            ("/path", "unsupported protocol scheme \"\""),
            ("ftp://a/", "unsupported protocol scheme \"ftp\""),
            ("http:a", "no Host"),
            ("http://", "empty host"),
            ("http://a:x/", "invalid port number"),
            ("http://a\\b/", "invalid character"),
            ("http://a/\n", "control character"),
        ] {
            let failure = Target::parse(text).unwrap_err();
            assert_eq!(failure.code, Failure::INVALID_URL, "{text:?}");
            assert!(
                failure.message.starts_with("invalid URL: ") && failure.message.contains(why),
                "{text:?}: {failure}"
            );
        }
    }

    #[test]
    fn user_and_password_become_basic_authorization_and_stay_out_of_tags() {
        let target = Target::parse("http://me:p%40ss@a/x").unwrap();
        // printf 'me:p@ss' | base64
        assert_eq!(target.authorization().unwrap(), "Basic bWU6cEBzcw==");
        assert_eq!(&**target.clean_url(), "http://****:****@a/x");
        assert_eq!(
            Target::parse("http://a").unwrap().clean_url().as_ref(),
            "http://a"
        );
    }
}
