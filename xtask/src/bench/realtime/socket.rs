//! As much of a WebSocket client as a load generator needs: a handshake, and frames of the server.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A socket that listens.
pub struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
}

impl Socket {
    /// Shakes hands.
    pub async fn open(address: SocketAddr, path: &str) -> Result<Self, String> {
        let mut stream = TcpStream::connect(address).await.map_err(|e| format!("connect: {e}"))?;
        let hello = format!(
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(hello.as_bytes()).await.map_err(|e| format!("handshake: {e}"))?;
        let mut socket = Self { stream, buffer: Vec::new(), start: 0 };
        loop {
            socket.fill().await?;
            if let Some(end) = socket.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&socket.buffer[..end]).into_owned();
                socket.start = end + 4;
                return if head.starts_with("HTTP/1.1 101") { Ok(socket) } else { Err(format!("handshake: {head}")) };
            }
        }
    }

    /// Whether the other end is gone, or sent something.
    pub fn is_closed(&mut self) -> bool {
        let mut byte = [0; 1];
        !matches!(self.stream.try_read(&mut byte), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// The next text frame.
    pub async fn frame(&mut self) -> Result<&str, String> {
        loop {
            let (opcode, from, to) = loop {
                match header(&self.buffer[self.start..]) {
                    Some((opcode, head, length)) if self.buffer.len() >= self.start + head + length => {
                        break (opcode, self.start + head, self.start + head + length);
                    }
                    _ => self.fill().await?,
                }
            };
            self.start = to;
            match opcode {
                1 => return std::str::from_utf8(&self.buffer[from..to]).map_err(|e| e.to_string()),
                8 => return Err("closed".into()),
                _ => {}
            }
        }
    }

    async fn fill(&mut self) -> Result<(), String> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("closed".into()),
            Ok(_) => Ok(()),
            Err(e) => Err(e.to_string()),
        }
    }
}

/// Opcode, length of the header and of the payload.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (head, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    Some((first & 0x0f, head, length))
}

/// The time that a text carries: nanoseconds after `@`.
pub fn stamp(frame: &str) -> Option<u64> {
    let text = &frame[frame.find("\"answer\":\"@")? + 11..];
    text[..text.find(' ')?].parse().ok()
}

/// Files that a process may open here.
pub fn files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(1_024)
}
