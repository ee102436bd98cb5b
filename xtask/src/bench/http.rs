//! As much HTTP/1.1 as a load generator and a scripted upstream need: keep-alive, lengths and chunks, no allocation to speak of.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection, at either end.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What of the buffer was read already.
    start: usize,
}

/// First line and framing of a message.
pub struct Head {
    /// The first line's second word: the status of a response, the path of a request.
    pub second: String,
    framing: Framing,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

impl Head {
    /// Whether this is a response with status 200.
    pub fn is_ok(&self) -> bool {
        self.second == "200"
    }
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::over(TcpStream::connect(address).await?)
    }

    /// Wraps an accepted connection.
    pub fn over(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096), start: 0 })
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<(Head, Vec<u8>)> {
        self.send(request).await?;
        let head = self.head().await?;
        let body = self.body(&head).await?;
        Ok((head, body))
    }

    /// Reads a head.
    pub async fn head(&mut self) -> Result<Head> {
        let end = loop {
            if let Some(at) = find(&self.buffer[self.start..], b"\r\n\r\n") {
                break self.start + at;
            }
            self.fill().await?;
        };
        let text = String::from_utf8_lossy(&self.buffer[self.start..end]).into_owned();
        self.start = end + 4;
        let mut lines = text.split("\r\n");
        let second = lines.next().and_then(|first| first.split(' ').nth(1)).unwrap_or_default().to_owned();
        let mut framing = Framing::Length(0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                framing = Framing::Length(value.trim().parse().map_err(|_| broken("a length that is none"))?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                framing = Framing::Chunked;
            }
        }
        Ok(Head { second, framing })
    }

    /// Reads a whole body.
    pub async fn body(&mut self, head: &Head) -> Result<Vec<u8>> {
        match head.framing {
            Framing::Length(length) => self.take(length).await,
            Framing::Chunked => {
                let mut body = Vec::new();
                while let Some(chunk) = self.chunk().await? {
                    body.extend(chunk);
                }
                Ok(body)
            }
        }
    }

    /// Reads one chunk of a chunked body; none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let line = loop {
            if let Some(at) = find(&self.buffer[self.start..], b"\r\n") {
                break self.start..self.start + at;
            }
            self.fill().await?;
        };
        let digits = std::str::from_utf8(&self.buffer[line.clone()]).map_err(|_| broken("a chunk without size"))?;
        let size = usize::from_str_radix(digits.trim(), 16).map_err(|_| broken("a chunk without size"))?;
        self.start = line.end + 2;
        let mut chunk = self.take(size + 2).await?;
        chunk.truncate(size);
        Ok((size > 0).then_some(chunk))
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() - self.start < length {
            self.fill().await?;
        }
        let end = self.start + length;
        let bytes = self.buffer[self.start..end].to_vec();
        self.start = end;
        Ok(bytes)
    }

    async fn fill(&mut self) -> Result<()> {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// A request as bytes.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_owned())
}
