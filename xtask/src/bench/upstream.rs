//! A scripted OpenAI-compatible server: the first token after a fixed time, the others at fixed intervals. Every piece carries
//! the time at which it was written, so that whoever reads it in this process knows how long it travelled.

use std::io::Result;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::time::{Instant as Deadline, sleep_until};

use super::http::Connection;

/// Pieces of an answer.
pub const PIECES: u32 = 48;
/// Between pieces.
pub const GAP: Duration = Duration::from_millis(40);

/// Starts the server: the first piece comes `first` after the request; times in the pieces are since `epoch`.
pub async fn start(epoch: Instant, first: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(connection) = Connection::over(stream) {
                    // A client that leaves is no failure.
                    drop(serve(connection, epoch, first).await);
                }
            });
        }
    });
    Ok(address)
}

async fn serve(mut connection: Connection, epoch: Instant, first: Duration) -> Result<()> {
    loop {
        let head = connection.head().await?;
        connection.body(&head).await?;
        let begun = Deadline::now();
        connection
            .send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .await?;
        for piece in 0..PIECES {
            sleep_until(begun + first + GAP * piece).await;
            let stamp = epoch.elapsed().as_nanos();
            let data = format!(
                "data: {{\"id\":\"bench\",\"object\":\"chat.completion.chunk\",\"model\":\"scripted\",\"choices\":[{{\"index\":0,\
                 \"delta\":{{\"content\":\"@{stamp} \"}},\"finish_reason\":null}}]}}\n\n"
            );
            connection.send(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes()).await?;
        }
        let data = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        connection.send(format!("{:x}\r\n{data}\r\n0\r\n\r\n", data.len()).as_bytes()).await?;
    }
}
