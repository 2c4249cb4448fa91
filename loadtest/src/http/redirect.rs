//! Redirects (RFC 9110 §15.4), followed as Go's client follows them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use http::{HeaderName, HeaderValue, Method, header};

use super::client::Client;
use super::cookies::CookieJar;
use super::exchange::Exchange;
use super::failure::Failure;
use super::request::Request;
use super::response::Response;
use super::target::Target;

/// What only the server gets that the script named, and its sub-domains.
const CONFIDENTIAL: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::WWW_AUTHENTICATE];
/// What says something about a body.
const OF_BODY: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
    header::CONTENT_LENGTH,
];

impl Client {
    /// One request, and those that its redirects lead to: at most `redirects_max` of them, then the redirection itself is
    /// the response. `request.timeout` is for all of them together. Cookies of `jar` go along, and those that responses
    /// set go in. `on_hop` gets each exchange with its request as it was sent, in order; the last ones are returned.
    pub async fn send(
        &self,
        mut request: Request,
        redirects_max: u32,
        jar: Option<&RefCell<CookieJar>>,
        on_hop: &mut dyn FnMut(&Request, &Exchange),
    ) -> (Request, Exchange) {
        let started = Instant::now();
        let timeout = request.timeout;
        let own_referer = request.header(&header::REFERER).is_some();
        let mut hops = 0;
        loop {
            let own = Own {
                cookies: request.header(&header::COOKIE).cloned(),
                referer: own_referer,
            };
            if let Some(jar) = jar
                && !jar.borrow().is_unused()
            {
                let cookies = jar.borrow().header(request.target.parsed(), own.cookies.as_ref());
                replace(&mut request, header::COOKIE, cookies);
            }
            let mut exchange = self.exchange(&request).await;
            let mut followed = None;
            if let Ok(response) = &exchange.outcome {
                if let Some(jar) = jar {
                    jar.borrow_mut()
                        .take_in(request.target.parsed(), &response.headers);
                }
                if hops < redirects_max {
                    match follow(&request, response, own) {
                        Ok(next) => followed = next,
                        Err(failure) => exchange.outcome = Err(failure),
                    }
                }
            }
            on_hop(&request, &exchange);
            let Some(mut next) = followed else {
                return (request, exchange);
            };
            next.timeout = timeout.saturating_sub(started.elapsed());
            request = next;
            hops += 1;
        }
    }
}

/// What the script gave, and is not to be overwritten by what a client adds.
struct Own {
    /// The jar's cookies depend on where a request goes, these do not.
    cookies: Option<HeaderValue>,
    referer: bool,
}

/// The request that a response asks for; `None` if it asks for none.
fn follow(request: &Request, response: &Response, own: Own) -> Result<Option<Request>, Failure> {
    let keeps_body = match response.status {
        301..=303 => false,
        307 | 308 => true,
        _ => return Ok(None),
    };
    let Some(location) = response
        .headers
        .get("location")
        .filter(|location| !location.is_empty())
    else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location);
    let target = resolve(&request.target, &location)?;
    let mut next = request.clone();
    replace(&mut next, header::COOKIE, own.cookies);
    if !keeps_body {
        if next.method != Method::HEAD {
            next.method = Method::GET;
        }
        next.body = bytes::Bytes::new();
        next.headers.retain(|(name, _)| !OF_BODY.contains(name));
    }
    if !is_same_or_below(&request.target.origin().host, &target.origin().host) {
        next.headers.retain(|(name, _)| !CONFIDENTIAL.contains(name));
    }
    // A host that the script put in place of the URL's is meant for that URL's server.
    if location.starts_with("//") || url::Url::parse(&location).is_ok() {
        next.headers.retain(|(name, _)| *name != header::HOST);
    }
    if !own.referer {
        replace(&mut next, header::REFERER, referer(&request.target, &target));
    }
    next.target = Rc::new(target);
    Ok(Some(next))
}

/// Where a request came from, without what is nobody else's business.
fn referer(from: &Target, to: &Target) -> Option<HeaderValue> {
    if from.origin().secure && !to.origin().secure {
        return None;
    }
    let mut url = from.parsed().clone();
    url.set_fragment(None);
    // Neither can fail: the URL has a host.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    HeaderValue::try_from(url.as_str()).ok()
}

fn resolve(from: &Target, location: &str) -> Result<Target, Failure> {
    let absolute = from.parsed().join(location);
    let absolute = absolute.map_err(|error| {
        Failure::new(
            Failure::INVALID_URL,
            format!("invalid URL: redirect to {location:?}: {error}"),
        )
    })?;
    Target::parse(absolute.as_str())
}

/// `host` is `parent` or one of its sub-domains.
fn is_same_or_below(parent: &str, host: &str) -> bool {
    host.strip_suffix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn replace(request: &mut Request, name: HeaderName, value: Option<HeaderValue>) {
    let at = request.headers.iter().position(|(known, _)| *known == name);
    request.headers.retain(|(known, _)| *known != name);
    if let Some(value) = value {
        let at = at.unwrap_or(request.headers.len());
        request.headers.insert(at, (name, value));
    }
}
