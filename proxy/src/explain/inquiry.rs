//! What somebody wants explained, as JSON and as a request.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Serialize};

use crate::key::Scheme;
use crate::request::ReadMethod;

/// More fields than a client may send are no honest question.
const FIELDS_MAX: usize = 128;

/// The body of `POST /explain`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inquiry {
    /// As a client would ask for it: `https://host/path?query`.
    pub(crate) url: String,
    /// `GET` or `HEAD`.
    #[serde(default = "get")]
    pub(crate) method: String,
    /// Fields of the request.
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
    /// Do not ask an origin, even where nothing is stored.
    #[serde(default)]
    pub(crate) stored_only: bool,
}

fn get() -> String {
    "GET".to_owned()
}

/// A request to be explained.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    pub(crate) method: ReadMethod,
    pub(crate) scheme: Scheme,
    pub(crate) host: String,
    /// In origin form.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

/// What is wrong with an inquiry, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InquiryError {
    #[error("`{0}` is not a URL to explain: write the whole of it, as in https://api.example/profiles/7")]
    Url(String),
    #[error("`{0}` is never answered from the cache: explain GET or HEAD")]
    Method(String),
    #[error("`{0}` is not a header field: write it as `Name: value`")]
    Field(String),
    #[error("leave out `Host`: the URL names the host")]
    Host,
    #[error("more than {FIELDS_MAX} header fields: leave out those that no cache looks at")]
    TooManyFields,
}

impl Inquiry {
    /// Reads an inquiry as the request that it is about.
    ///
    /// # Errors
    /// [`InquiryError`], which says what to write instead.
    pub(crate) fn question(&self) -> Result<Question, InquiryError> {
        let method = match self.method.as_str() {
            "GET" => ReadMethod::Get,
            "HEAD" => ReadMethod::Head,
            other => return Err(InquiryError::Method(other.to_owned())),
        };
        let (scheme, host, target) =
            split(&self.url).ok_or_else(|| InquiryError::Url(self.url.chars().take(200).collect()))?;
        if self.headers.len() > FIELDS_MAX {
            return Err(InquiryError::TooManyFields);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let wrong = || InquiryError::Field(name.clone());
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            if name == http::header::HOST {
                return Err(InquiryError::Host);
            }
            headers.append(name, value);
        }
        Ok(Question {
            method,
            scheme,
            host,
            target,
            headers,
        })
    }
}

/// Scheme, host with its port, and target of a URL. A fragment stays with the client, as it does with any.
fn split(url: &str) -> Option<(Scheme, String, String)> {
    let uri: Uri = url.split('#').next()?.parse().ok()?;
    let scheme = match uri.scheme_str()? {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    let authority = uri.authority()?.as_str();
    if authority.contains('@') {
        return None;
    }
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let target = if target.starts_with('/') {
        target.to_owned()
    } else {
        format!("/{target}") // `http://host?query`
    };
    Some((scheme, authority.to_owned(), target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Inquiry {
        Inquiry {
            url: url.into(),
            method: "GET".into(),
            ..Inquiry::default()
        }
    }

    #[test]
    fn a_url_becomes_the_request_of_a_client() {
        for (url, scheme, host, target) in [
            ("https://a.example/x?y#z", Scheme::Https, "a.example", "/x?y"),
            ("http://a.example:81", Scheme::Http, "a.example:81", "/"),
            ("https://[::1]:8443/a%20b", Scheme::Https, "[::1]:8443", "/a%20b"),
            ("http://a?q=1", Scheme::Http, "a", "/?q=1"),
        ] {
            let question = of(url).question().unwrap();
            assert_eq!(
                (question.scheme, question.host.as_str(), question.target.as_str()),
                (scheme, host, target),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_a_remedy() {
        for url in [
            "",
            "/profiles/7",
            "a.example/x",
            "ftp://a/x",
            "https://u:p@a/x",
            "https://a b/",
        ] {
            assert!(matches!(of(url).question(), Err(InquiryError::Url(_))), "{url}");
        }
        let with = |method: &str, name: &str| {
            let inquiry = Inquiry {
                method: method.into(),
                headers: vec![(name.into(), "v".into())],
                ..of("http://a/")
            };
            inquiry.question()
        };
        assert!(matches!(with("PUT", "a"), Err(InquiryError::Method(_))));
        assert!(matches!(with("GET", "a b"), Err(InquiryError::Field(_))));
        assert!(matches!(with("GET", "host"), Err(InquiryError::Host)));
    }

    #[test]
    fn unknown_members_are_refused_and_missing_ones_have_defaults() {
        let least: Inquiry = serde_json::from_str(r#"{"url":"http://a/"}"#).unwrap();
        assert_eq!(least, of("http://a/"));
        assert!(serde_json::from_str::<Inquiry>(r#"{"url":"http://a/","verb":"GET"}"#).is_err());
    }
}
