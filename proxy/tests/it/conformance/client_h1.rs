//! An HTTP/1.1 client that takes nothing for granted.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{Answer, Ask, Fields, Wire};

/// How long is waited for bytes behind a chunked answer.
const SURPLUS_WAIT: Duration = Duration::from_millis(100);

/// Asks once on a connection of its own.
pub(super) async fn h1(mut wire: Box<dyn Wire>, ask: &Ask) -> Result<Answer, String> {
    let mut text = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\n",
        ask.method, ask.target, ask.authority
    );
    for (name, value) in &ask.fields {
        text += &format!("{name}: {value}\r\n");
    }
    if let Some(body) = &ask.body {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text += "\r\n";
    text += ask.body.as_deref().unwrap_or_default();
    wire.write_all(text.as_bytes())
        .await
        .map_err(|error| format!("send: {error}"))?;
    let mut input = Input {
        wire,
        pending: BytesMut::new(),
    };
    let mut answer = Answer::default();
    loop {
        let (status, fields) = input.head().await?;
        if (100..200).contains(&status) {
            answer.interim.push((status, fields));
            continue;
        }
        (answer.status, answer.fields) = (status, fields);
        break;
    }
    if ask.method != "HEAD" && !matches!(answer.status, 204 | 304) {
        answer.broken = input.body(&mut answer).await.err();
    }
    if answer.field("transfer-encoding").is_some() {
        // what does not belong to it may come a moment later
        let _ = tokio::time::timeout(SURPLUS_WAIT, input.more()).await;
    }
    answer.surplus = input.pending.len();
    Ok(answer)
}

struct Input {
    wire: Box<dyn Wire>,
    pending: BytesMut,
}

impl Input {
    async fn more(&mut self) -> Result<(), String> {
        match self.wire.read_buf(&mut self.pending).await {
            Ok(0) => Err("the connection was closed".into()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn head(&mut self) -> Result<(u16, Fields), String> {
        loop {
            let mut lines = [httparse::EMPTY_HEADER; 100];
            let mut head = httparse::Response::new(&mut lines);
            let parsed = head
                .parse(&self.pending)
                .map_err(|error| format!("the head: {error}"))?;
            if let httparse::Status::Complete(length) = parsed {
                let status = head.code.unwrap_or_default();
                let fields = owned(head.headers);
                let _ = self.pending.split_to(length);
                return Ok((status, fields));
            }
            self.more().await?;
        }
    }

    async fn body(&mut self, answer: &mut Answer) -> Result<(), String> {
        let chunked = answer.field("transfer-encoding").is_some();
        let length = answer.field("content-length");
        if chunked {
            while let Some(chunk) = self.chunk().await? {
                answer.body.extend_from_slice(&chunk);
            }
            answer.trailers = self.trailers().await?;
            return Ok(());
        }
        let Some(length) = length else {
            while self.more().await.is_ok() {}
            answer.body = self.pending.split().to_vec();
            return Ok(());
        };
        let length: usize = length
            .parse()
            .map_err(|_| format!("Content-Length is {length}"))?;
        while self.pending.len() < length {
            if let Err(error) = self.more().await {
                answer.body = self.pending.split().to_vec();
                return Err(error);
            }
        }
        answer.body = self.pending.split_to(length).to_vec();
        Ok(())
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.pending.windows(2).position(|two| two == b"\r\n") {
                let line = self.pending.split_to(end + 2);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.more().await?;
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        let size = self.line().await?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| format!("a chunk of size `{size}`"))?;
        if size == 0 {
            return Ok(None);
        }
        while self.pending.len() < size + 2 {
            self.more().await?;
        }
        let chunk = self.pending.split_to(size).freeze();
        if self.pending.split_to(2) != "\r\n" {
            return Err("a chunk does not end with its size".into());
        }
        Ok(Some(chunk))
    }

    async fn trailers(&mut self) -> Result<Fields, String> {
        let mut trailers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else {
                return if line.is_empty() {
                    Ok(trailers)
                } else {
                    Err(format!("trailer `{line}`"))
                };
            };
            trailers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}

fn owned(lines: &[httparse::Header<'_>]) -> Fields {
    let line = |line: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(line.value).into_owned();
        (line.name.to_ascii_lowercase(), value)
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(answer: &str) -> Result<Answer, String> {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(answer.as_bytes()).await.unwrap();
        theirs.shutdown().await.unwrap();
        let ask = Ask {
            method: "GET".into(),
            authority: "a".into(),
            target: "/".into(),
            fields: Vec::new(),
            body: None,
        };
        let answer = h1(Box::new(ours), &ask).await;
        drop(theirs);
        answer
    }

    #[tokio::test]
    async fn nothing_that_comes_is_hidden() {
        let early = "HTTP/1.1 103 Early\r\nlink: <a>\r\n\r\n";
        let chunks = "2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n";
        let head = "HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\ntransfer-encoding: chunked\r\n\r\n";
        let answer = read(&format!("{early}{head}{chunks}0\r\n\r\n")).await.unwrap();
        assert_eq!(
            answer.interim,
            [(103, vec![("link".to_owned(), "<a>".to_owned())])]
        );
        assert_eq!(answer.field("a").as_deref(), Some("1, 2"));
        assert_eq!(answer.text(), "hi");
        assert_eq!(answer.trailers, [("x-t".to_owned(), "1".to_owned())]);
        assert_eq!(answer.surplus, 5, "a second end");
        let cut = read("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi")
            .await
            .unwrap();
        assert!(cut.broken.is_some() && cut.text() == "hi");
        assert!(read("HTTP/1.1 200 OK\r\n").await.is_err());
    }
}
