//! A VU's cookies (RFC 6265).

use cookie_store::{CookieDomain, CookieStore, RawCookie};
use http::HeaderValue;
use url::Url;

use super::response::Headers;

/// Cookies of all servers a VU talks to.
#[derive(Debug, Default)]
pub struct CookieJar {
    store: CookieStore,
    /// Whether there ever was one since it was reset: most tests have none, and pay nothing for them.
    used: bool,
}

/// What `jar.set` may say about a cookie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CookieAttributes {
    /// Sub-domains of it get the cookie, too; `None` for the URL's host alone.
    pub domain: Option<String>,
    /// Paths below it get the cookie; `None` for what the URL's path says.
    pub path: Option<String>,
    /// An HTTP date: `Mon, 02 Jan 2006 15:04:05 GMT`.
    pub expires: Option<String>,
    /// Seconds; 0 and less delete the cookie.
    pub max_age: Option<i64>,
    /// Over `https` only.
    pub secure: bool,
    /// Not for scripts of a page.
    pub http_only: bool,
}

/// Why a cookie was not set.
#[derive(Debug, thiserror::Error)]
pub enum CookieError {
    /// A part of it would be read as something else.
    #[error("cookie {0}: names, values and attributes must not have control characters or semicolons")]
    Characters(String),
    /// The URL may not set it.
    #[error("cookie {name}: {source}; check its domain and expiry")]
    Refused {
        /// Its name.
        name: String,
        /// Why.
        source: cookie_store::CookieError,
    },
}

impl CookieJar {
    /// Without cookies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a cookie as if the server of `url` had set it.
    ///
    /// # Errors
    /// If it cannot be written as a cookie, or is one that this server may not set.
    pub fn set(
        &mut self,
        url: &Url,
        name: &str,
        value: &str,
        attributes: &CookieAttributes,
    ) -> Result<(), CookieError> {
        let CookieAttributes {
            domain,
            path,
            expires,
            ..
        } = attributes;
        let texts = [domain, path, expires].into_iter().flatten().map(String::as_str);
        let unwritable = |text: &str| text.bytes().any(|byte| byte == b';' || byte.is_ascii_control());
        if name.is_empty() || name.contains('=') || texts.chain([name, value]).any(unwritable) {
            return Err(CookieError::Characters(name.to_owned()));
        }
        self.store(url, &line(name, value, attributes))
            .map_err(|source| CookieError::Refused {
                name: name.to_owned(),
                source,
            })
    }

    /// There has been no cookie since it was made or reset.
    pub(super) fn is_unused(&self) -> bool {
        !self.used
    }

    /// Takes in what a response of `url` set; what it may not set is left out, as browsers do.
    pub(super) fn take_in(&mut self, url: &Url, headers: &Headers) {
        headers.for_each(|name, value| {
            if name.eq_ignore_ascii_case("set-cookie")
                && let Ok(line) = std::str::from_utf8(value)
            {
                // RFC 6265 §5.2: a cookie that makes no sense is ignored.
                drop(self.store(url, line));
            }
        });
    }

    fn store(&mut self, url: &Url, line: &str) -> Result<(), cookie_store::CookieError> {
        self.used = true;
        match self.store.parse(line, url) {
            Ok(_) | Err(cookie_store::CookieError::Expired) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Name and value of the cookies that a request for `url` carries: longest path first, then by name.
    #[must_use]
    pub fn cookies_for_url(&self, url: &Url) -> Vec<(String, String)> {
        let mut cookies = self.store.matches(url);
        cookies.sort_by_cached_key(|cookie| {
            let path = String::from(&cookie.path);
            (usize::MAX - path.len(), cookie.name().to_owned())
        });
        cookies
            .iter()
            .map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned()))
            .collect()
    }

    /// The `Cookie` field of a request for `url` that has `own` cookies (`a=1; b=2`) already: those come first, and hide
    /// the jar's cookies of the same names. `None` if there are none at all.
    #[must_use]
    pub fn header(&self, url: &Url, own: Option<&HeaderValue>) -> Option<HeaderValue> {
        if !self.used {
            return own.cloned();
        }
        let mut line = own.map_or_else(Vec::new, |own| own.as_bytes().to_vec());
        let text = String::from_utf8_lossy(&line).into_owned();
        let owns = |name: &str| {
            RawCookie::split_parse(text.as_str())
                .flatten()
                .any(|own| own.name() == name)
        };
        for (name, value) in self.cookies_for_url(url) {
            if owns(&name) {
                continue;
            }
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(format!("{name}={value}").as_bytes());
        }
        if line.is_empty() {
            return None;
        }
        HeaderValue::from_bytes(&line).ok()
    }

    /// Deletes the cookies that a request for `url` would carry.
    pub fn clear(&mut self, url: &Url) {
        self.remove(url, |_| true);
    }

    /// Deletes those of one name.
    pub fn delete(&mut self, url: &Url, name: &str) {
        self.remove(url, |known| known == name);
    }

    /// Deletes all cookies: a new iteration is a new user.
    pub fn reset(&mut self) {
        if self.used {
            *self = Self::default();
        }
    }

    fn remove(&mut self, url: &Url, which: impl Fn(&str) -> bool) {
        let keys: Vec<_> = self
            .store
            .matches(url)
            .into_iter()
            .filter(|cookie| which(cookie.name()))
            .map(|cookie| {
                let (CookieDomain::HostOnly(domain) | CookieDomain::Suffix(domain)) = &cookie.domain else {
                    return None;
                };
                Some((
                    domain.clone(),
                    String::from(&cookie.path),
                    cookie.name().to_owned(),
                ))
            })
            .collect();
        for (domain, path, name) in keys.into_iter().flatten() {
            self.store.remove(&domain, &path, &name);
        }
    }
}

/// The value of a `Set-Cookie` field.
fn line(name: &str, value: &str, attributes: &CookieAttributes) -> String {
    let mut line = format!("{name}={value}");
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            line.push_str(&format!("; {name}={value}"));
        }
    };
    add("Domain", attributes.domain.as_deref());
    add("Path", attributes.path.as_deref());
    add("Expires", attributes.expires.as_deref());
    let max_age = attributes.max_age.map(|seconds| seconds.to_string());
    add("Max-Age", max_age.as_deref());
    if attributes.secure {
        line.push_str("; Secure");
    }
    if attributes.http_only {
        line.push_str("; HttpOnly");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn jar(cookies: &[(&str, &str)]) -> CookieJar {
        let mut jar = CookieJar::new();
        for (from, line) in cookies {
            let head = format!("HTTP/1.1 200 OK\r\nSet-Cookie: {line}\r\n\r\n");
            jar.take_in(&url(from), &Headers::raw(head.as_bytes()));
        }
        jar
    }

    fn sent(jar: &CookieJar, to: &str) -> Option<String> {
        let header = jar.header(&url(to), None)?;
        Some(header.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_cookie_goes_where_its_attributes_say() {
        for (line, to, goes) in [
            ("a=1", "http://x.test/", true),
            ("a=1", "http://sub.x.test/", false),
            ("a=1; Domain=x.test", "http://sub.x.test/", true),
            ("a=1; Domain=y.test", "http://y.test/", false),
            ("a=1; Path=/p", "http://x.test/p/q", true),
            ("a=1; Path=/p", "http://x.test/q", false),
            ("a=1; Secure", "http://x.test/", false),
            ("a=1; Secure", "https://x.test/", true),
            ("a=1; HttpOnly", "http://x.test/", true),
            ("a=1; Max-Age=0", "http://x.test/", false),
            ("a=1; Max-Age=60", "http://x.test/", true),
            (
                "a=1; Expires=Mon, 02 Jan 2006 15:04:05 GMT",
                "http://x.test/",
                false,
            ),
        ] {
            let jar = jar(&[("https://x.test/", line)]);
            assert_eq!(sent(&jar, to).is_some(), goes, "{line} {to}");
        }
    }

    #[test]
    fn cookies_are_sent_in_one_order_behind_the_requests_own() {
        let jar = jar(&[
            ("http://x/p/", "c=3"),
            ("http://x/p/", "b=2; Path=/"),
            ("http://x/p/", "a=1; Path=/"),
        ]);
        assert_eq!(sent(&jar, "http://x/p/").unwrap(), "c=3; a=1; b=2");
        let own = HeaderValue::from_static("b=own; z=26");
        let header = jar.header(&url("http://x/p/"), Some(&own)).unwrap();
        assert_eq!(header, "b=own; z=26; c=3; a=1");
        assert_eq!(
            CookieJar::new().header(&url("http://x/"), Some(&own)).unwrap(),
            own
        );
    }

    #[test]
    fn a_script_sets_deletes_and_clears_cookies_of_a_url() {
        let x = url("http://x.test/");
        let mut jar = CookieJar::new();
        let below = CookieAttributes {
            domain: Some("x.test".to_owned()),
            path: Some("/p".to_owned()),
            max_age: Some(60),
            ..CookieAttributes::default()
        };
        jar.set(&x, "a", "1", &below).unwrap();
        jar.set(&x, "b", "2", &CookieAttributes::default()).unwrap();
        jar.set(&url("http://y.test/"), "c", "3", &CookieAttributes::default())
            .unwrap();
        assert_eq!(sent(&jar, "http://sub.x.test/p").unwrap(), "a=1");
        assert_eq!(sent(&jar, "http://x.test/p").unwrap(), "a=1; b=2");
        jar.delete(&x, "b");
        assert_eq!(sent(&jar, "http://x.test/p").unwrap(), "a=1");
        jar.clear(&url("http://x.test/p"));
        assert_eq!(sent(&jar, "http://x.test/p"), None);
        assert_eq!(sent(&jar, "http://y.test/").unwrap(), "c=3");
        jar.reset();
        assert_eq!(sent(&jar, "http://y.test/"), None);
    }

    #[test]
    fn a_cookie_that_means_something_else_is_refused() {
        let foreign = CookieAttributes {
            domain: Some("y.test".to_owned()),
            ..CookieAttributes::default()
        };
        let injected = CookieAttributes {
            path: Some("/; Secure".to_owned()),
            ..CookieAttributes::default()
        };
        let none = CookieAttributes::default();
        for (name, value, attributes) in [
            ("a", "1;2", &none),
            ("a=b", "1", &none),
            ("", "1", &none),
            ("a\r", "1", &none),
            ("a", "1", &injected),
            ("a", "1", &foreign),
        ] {
            let mut jar = CookieJar::new();
            assert!(
                jar.set(&url("http://x.test/"), name, value, attributes).is_err(),
                "{name}={value}"
            );
        }
    }
}
