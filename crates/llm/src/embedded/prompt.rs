//! Messages → tokens, through the model's own chat template.
//!
//! What people write is tokenized as plain text, apart from the template around it, so that nobody can end a message or open
//! a system one by typing `<|im_end|>`.

use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;

use crate::{ChatMessage, ModelError};

/// What every model without a template of its own gets.
const FALLBACK: &str = "chatml";

/// Which template a model's messages are put into.
pub(super) struct Template(LlamaChatTemplate);

impl Template {
    /// The model's own template when llama.cpp knows it, else ChatML.
    pub(super) fn of(model: &LlamaModel) -> Result<Self, ModelError> {
        let fallback = || LlamaChatTemplate::new(FALLBACK).map(Self).map_err(|e| ModelError::Broken(e.to_string()));
        let Ok(own) = model.chat_template(None) else {
            tracing::warn!("the model has no chat template, using ChatML");
            return fallback();
        };
        let own = Self(own);
        match own.render(model, &[ChatMessage::user("x")]) {
            Ok(_) => Ok(own),
            Err(_) => {
                tracing::warn!("the model's chat template is not known to the engine, using ChatML");
                fallback()
            }
        }
    }

    /// The tokens of a conversation, ending where the answer begins.
    pub(super) fn encode(&self, model: &LlamaModel, messages: &[ChatMessage]) -> Result<Vec<LlamaToken>, ModelError> {
        let rendered = self.render(model, messages)?;
        let vocab = model.vocab();
        let mut tokens = Vec::new();
        if vocab.should_add_bos() {
            tokens.push(vocab.bos());
        }
        let mut rest = rendered.as_str();
        for (index, message) in messages.iter().enumerate() {
            let Some((before, after)) = rest.split_once(&placeholder(index)) else { continue };
            tokens.extend(vocab.tokenize(before.as_bytes(), false, true));
            tokens.extend(vocab.tokenize(message.text.as_bytes(), false, false));
            rest = after;
        }
        tokens.extend(vocab.tokenize(rest.as_bytes(), false, true));
        Ok(tokens)
    }

    /// The template with a placeholder for each message's text.
    fn render(&self, model: &LlamaModel, messages: &[ChatMessage]) -> Result<String, ModelError> {
        let broken = |e: &dyn std::fmt::Display| ModelError::Broken(format!("the chat template failed: {e}"));
        let chat = messages.iter().enumerate().map(|(index, message)| {
            LlamaChatMessage::new(message.role.as_str().into(), placeholder(index)).map_err(|e| broken(&e))
        });
        let chat = chat.collect::<Result<Vec<_>, _>>()?;
        model.apply_chat_template(&self.0, &chat, true).map_err(|e| broken(&e))
    }
}

/// Stands for a message's text while the template is rendered; made of private-use characters.
fn placeholder(index: usize) -> String {
    format!("\u{e000}{index}\u{e001}")
}
