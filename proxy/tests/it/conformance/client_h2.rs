//! An HTTP/2 client that takes nothing for granted.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Version};
use tokio::io::{AsyncRead, AsyncWrite};

use super::client::{Answer, Ask, Fields};

/// Asks once on a connection of its own.
pub(super) async fn h2(
    wire: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ask: &Ask,
) -> Result<Answer, String> {
    let error = |error: h2::Error| error.to_string();
    let (send, connection) = h2::client::handshake(wire).await.map_err(error)?;
    let connection = tokio::spawn(connection);
    let answer = h2_exchange(send, ask).await;
    connection.abort();
    answer
}

async fn h2_exchange(send: h2::client::SendRequest<Bytes>, ask: &Ask) -> Result<Answer, String> {
    let error = |error: h2::Error| error.to_string();
    let mut send = send.ready().await.map_err(error)?;
    let mut request = Request::builder()
        .version(Version::HTTP_2)
        .method(ask.method.as_str())
        .uri(format!("https://{}{}", ask.authority, ask.target));
    for (name, value) in &ask.fields {
        request = request.header(name.to_ascii_lowercase(), value);
    }
    if let Some(body) = &ask.body {
        request = request.header("content-length", body.len());
    }
    let request = request.body(()).map_err(|error| error.to_string())?;
    let (response, mut upload) = send.send_request(request, ask.body.is_none()).map_err(error)?;
    if let Some(body) = &ask.body {
        upload.send_data(Bytes::from(body.clone()), true).map_err(error)?;
    }
    let mut answer = Answer::default();
    let response = h2_final(response, &mut answer.interim).await?;
    answer.status = response.status().as_u16();
    answer.fields = fields(response.headers());
    let mut body = response.into_body();
    while let Some(chunk) = body.data().await {
        match chunk {
            Ok(chunk) => {
                let _ = body.flow_control().release_capacity(chunk.len());
                answer.body.extend_from_slice(&chunk);
            }
            Err(error) => {
                answer.broken = Some(error.to_string());
                return Ok(answer);
            }
        }
    }
    let trailers = body.trailers().await.map_err(error)?;
    answer.trailers = trailers.as_ref().map(fields).unwrap_or_default();
    Ok(answer)
}

/// Waits for the final response, and notes those that come before.
async fn h2_final(
    mut response: h2::client::ResponseFuture,
    interim: &mut Vec<(u16, Fields)>,
) -> Result<http::Response<h2::RecvStream>, String> {
    poll_fn(|context| {
        while let Poll::Ready(Some(early)) = response.poll_informational(context) {
            match early {
                Ok(early) => interim.push((early.status().as_u16(), fields(early.headers()))),
                Err(error) => return Poll::Ready(Err(error.to_string())),
            }
        }
        Pin::new(&mut response)
            .poll(context)
            .map_err(|error| error.to_string())
    })
    .await
}

fn fields(map: &http::HeaderMap) -> Fields {
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    };
    map.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_that_comes_is_hidden() {
        let (ours, theirs) = tokio::io::duplex(65_536);
        let server = tokio::spawn(async move {
            let mut connection = h2::server::handshake(theirs).await.unwrap();
            let (_, mut respond) = connection.accept().await.unwrap().unwrap();
            let early = http::Response::builder().status(103).header("link", "<a>");
            respond.send_informational(early.body(()).unwrap()).unwrap();
            let head = http::Response::builder().header("a", "1").header("a", "2");
            let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
            body.send_data("hi".into(), false).unwrap();
            let trailers = [("x-t".parse().unwrap(), "1".parse().unwrap())];
            body.send_trailers(trailers.into_iter().collect()).unwrap();
            while connection.accept().await.is_some() {}
        });
        let ask = Ask {
            method: "GET".into(),
            authority: "a".into(),
            target: "/".into(),
            fields: Vec::new(),
            body: None,
        };
        let answer = h2(ours, &ask).await.unwrap();
        assert_eq!(
            answer.interim,
            [(103, vec![("link".to_owned(), "<a>".to_owned())])]
        );
        assert_eq!(answer.field("a").as_deref(), Some("1, 2"));
        assert_eq!(answer.text(), "hi");
        assert_eq!(answer.trailers, [("x-t".to_owned(), "1".to_owned())]);
        server.await.unwrap();
    }
}
