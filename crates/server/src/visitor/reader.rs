//! Reading a conversation's log from a cursor on: what is there, then what comes.

use super::close::Close;
use super::live::{Next, Seat};
use super::log::{self, Frame};
use super::{credential, fan_out, sessions};
use crate::access::revocations::Watch;
use crate::app::App;
use crate::http::peer::Peer;

/// A client that reads a conversation.
pub struct Reader {
    app: App,
    seat: Seat,
    /// Ends when the app's access does.
    watch: Option<Watch>,
    cursor: i64,
    epoch: i64,
}

/// What a client shows at the door.
#[derive(Clone, Debug, Default)]
pub struct Ticket {
    /// `wsId` of the address.
    pub ws_id: String,
    /// `authBody` of the address.
    pub auth_body: String,
    /// The last frame the client has, when it says so.
    pub cursor: Option<i64>,
}

impl Reader {
    /// Lets in whoever has a valid credential.
    ///
    /// # Errors
    /// Why not.
    pub async fn admit(app: &App, ticket: &Ticket, peer: Peer) -> Result<Self, Close> {
        let credential = credential::verify(app, &ticket.ws_id, &ticket.auth_body, peer)?;
        let standing = sessions::standing(app, &credential).await;
        let standing = standing.map_err(|e| failed(&e))?.ok_or(Close::Gone)?;
        if standing.epoch != credential.epoch || standing.blocked || standing.revoked {
            return Err(Close::Revoked);
        }
        let from = ticket.cursor.unwrap_or(standing.acked.max(app.live().acked(&credential.session_id)));
        let cursor = from.clamp(0, standing.head);
        let mut reader = Self::sit(app, &credential.session_id, cursor, credential.epoch).await?;
        let user_id = standing.visitor_user_id.unwrap_or(0);
        let app_id = Some(credential.app_id.as_str()).filter(|id| !id.is_empty());
        reader.watch = Some(app.revocations().watch(app.store(), user_id, app_id).await.map_err(|e| failed(&e))?);
        Ok(reader)
    }

    /// Reads as the server itself: for the owner, and for synchronous replies.
    ///
    /// # Errors
    /// [`Close::Full`].
    pub async fn inside(app: &App, session_id: &str, cursor: i64) -> Result<Self, Close> {
        Self::sit(app, session_id, cursor, i64::MAX).await
    }

    async fn sit(app: &App, session_id: &str, cursor: i64, epoch: i64) -> Result<Self, Close> {
        // First listen, then read: nothing falls in between.
        fan_out::start(app).await;
        let config = &app.config().visitor;
        let seat = app.live().join(session_id, epoch, (config.sockets_per_session, config.sockets_max))?;
        Ok(Self { app: app.clone(), seat, watch: None, cursor, epoch })
    }

    /// The last frame that was given out.
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// The frames that are there, from the cursor on; none: [`Reader::changed`] tells when there may be some.
    ///
    /// # Errors
    /// Why the reader has to leave.
    pub async fn ready(&mut self) -> Result<Vec<Frame>, Close> {
        loop {
            let frames = match self.seat.next(self.cursor) {
                Next::Leave(close) => return Err(close),
                Next::Wait => return Ok(Vec::new()),
                Next::Frames(frames) => frames,
                // Boxed: most readers are idle, and this is the big part of them.
                Next::Log => Box::pin(self.read_log()).await?,
            };
            if let Some(last) = frames.last() {
                self.cursor = last.seq;
                return Ok(frames);
            }
        }
    }

    async fn read_log(&mut self) -> Result<Vec<Frame>, Close> {
        let session_id = self.seat.session_id();
        let read = log::read(&self.app, session_id, self.cursor).await.map_err(|e| failed(&e))?;
        let read = read.ok_or(Close::Gone)?;
        if read.epoch > self.epoch {
            return Err(Close::Revoked);
        }
        if read.frames.is_empty() {
            // What was between is no longer kept.
            self.cursor = self.cursor.max(read.head);
        } else if read.head > read.frames.last().map_or(0, |f| f.seq) {
            self.seat.read_on();
        }
        Ok(read.frames)
    }

    /// Waits until there may be something new. Cancel-safe.
    ///
    /// # Errors
    /// [`Close::Revoked`] when the app's access ends.
    pub async fn changed(&mut self) -> Result<(), Close> {
        match &self.watch {
            None => self.seat.changed().await,
            Some(watch) => tokio::select! {
                () = self.seat.changed() => {}
                () = watch.ended() => return Err(Close::Revoked),
            },
        }
        Ok(())
    }

    /// The client has everything up to `cursor`.
    pub fn ack(&self, cursor: i64) {
        self.seat.ack(cursor.min(self.cursor));
    }
}

fn failed(error: &crate::error::ApiError) -> Close {
    tracing::warn!(cause = %error, "a conversation's log could not be read");
    Close::Failed
}
