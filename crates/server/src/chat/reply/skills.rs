//! Going on after the avatar asked for something: its calls are made, and their results are the next thing that the model reads.

use secondme_llm::{ChatMessage, ChatRequest, ChatStream, FinishReason, Sampling, ToolChoice};

use super::{End, Reply, Show};
use crate::chat::{calls, stream};
use crate::error::Result;

impl Reply {
    /// Follows an answer in words, and makes the calls in it, as many as are allowed; after those the model has to answer.
    pub(super) async fn talk(&mut self, mut stream: ChatStream) -> End {
        let max = self.app.config().integrations.chat_calls_max;
        loop {
            let before = self.said.len();
            let end = self.follow(stream, Show::AsItComes).await;
            if !matches!(end, End::Finished(FinishReason::ToolCalls, _)) || self.made.len() >= max {
                return end;
            }
            let words = self.said.get(before..).unwrap_or_default().to_owned();
            match self.call(&words, max).await {
                Ok(next) => stream = next,
                Err(error) => return End::Failed(error),
            }
        }
    }

    /// Makes the calls that the model asked for after some words, with no transaction open, and asks it on.
    async fn call(&mut self, words: &str, max: usize) -> Result<ChatStream> {
        let mut asked = std::mem::take(&mut self.calls);
        asked.truncate(max - self.made.len());
        self.asked.push(ChatMessage { calls: asked.clone(), ..ChatMessage::assistant(words) });
        for call in asked {
            let known = self.offered.iter().find(|offered| offered.tool.name == call.name);
            if let Some(offered) = known {
                self.send(stream::skill_call(&offered.skill.manifest.skill.key, &offered.action.name));
            }
            let made = tokio::select! {
                made = calls::make(&self.app, self.turn.user_id, &self.offered, &call) => made,
                () = self.app.stopping().cancelled() => return Err(crate::error::ApiError::new(crate::error::Code::ShuttingDown)),
            };
            self.send(stream::skill_result(&made.skill_key, &made.action, made.failed));
            self.asked.push(ChatMessage::result(call.id, made.result.clone()));
            self.made.push(made);
        }
        let over = self.made.len() >= max;
        let request = ChatRequest {
            sampling: Sampling {
                temperature: self.app.config().chat.temperature_percent as f32 / 100.0,
                ..Sampling::default()
            },
            cache_key: Some(self.context.session_id.clone()),
            on_behalf_of: Some(self.turn.user_id),
            tools: self.offered.iter().map(|offered| offered.tool.clone()).collect(),
            tool_choice: if over { ToolChoice::Never } else { ToolChoice::Auto },
            ..ChatRequest::new(self.asked.clone(), self.turn.max_tokens)
        };
        self.ask(request).await
    }
}
