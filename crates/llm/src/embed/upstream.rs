//! Any server that speaks OpenAI's `/v1/embeddings`.

use std::time::Duration;

use async_trait::async_trait;
use secondme_kit::Secret;
use serde::Deserialize;
use serde_json::json;

use super::{Embedder, Purpose};
use crate::{ModelError, ModelStatus};

/// The longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An embedder behind an OpenAI-compatible server.
pub struct UpstreamEmbedder {
    url: String,
    model: String,
    key: Secret,
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    index: usize,
    embedding: Vec<f32>,
}

impl UpstreamEmbedder {
    /// Makes the client; `base_url` is up to and including `/v1`. The server is not asked anything yet. Needs
    /// [`crate::install_tls`] first.
    ///
    /// # Errors
    /// `Unavailable` when the address is unusable.
    pub fn new(base_url: &str, model: &str, key: Secret) -> Result<Self, ModelError> {
        let unusable = |e: &dyn std::fmt::Display| ModelError::Unavailable(format!("the embedder's address: {e}"));
        let url = format!("{}/embeddings", base_url.trim_end_matches('/'));
        reqwest::Url::parse(&url).map_err(|e| unusable(&e))?;
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| unusable(&e.without_url()))?;
        Ok(Self { url, model: model.to_owned(), key, client })
    }
}

#[async_trait]
impl Embedder for UpstreamEmbedder {
    async fn embed(&self, _: Purpose, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut call = self.client.post(&self.url).json(&json!({"model": self.model, "input": texts}));
        if !self.key.is_empty() {
            call = call.bearer_auth(self.key.expose());
        }
        let failed = |e: reqwest::Error| match e.is_timeout() {
            true => ModelError::Timeout("no answer from the embedding server in time".into()),
            false => {
                ModelError::Upstream { status: e.status().map(|s| s.as_u16()), message: e.without_url().to_string() }
            }
        };
        let answer = call.send().await.map_err(failed)?.error_for_status().map_err(failed)?;
        let mut rows = answer.json::<Answer>().await.map_err(failed)?.data;
        rows.sort_by_key(|row| row.index);
        let same = rows.windows(2).all(|pair| pair[0].embedding.len() == pair[1].embedding.len());
        if rows.len() != texts.len() || !same || rows.iter().any(|row| row.embedding.is_empty()) {
            let message = "the embeddings do not fit the texts".to_owned();
            return Err(ModelError::Upstream { status: None, message });
        }
        Ok(rows.into_iter().map(|row| row.embedding).collect())
    }

    fn name(&self) -> &str {
        &self.model
    }

    fn status(&self) -> ModelStatus {
        ModelStatus::Ready
    }
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, routing::post};
    use serde_json::Value;

    use super::*;

    async fn server(answer: Value) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let answer = move |Json(body): Json<Value>| async move {
            assert_eq!(body, json!({"model": "m", "input": ["a", "b"]}));
            Json(answer)
        };
        let router = Router::new().route("/v1/embeddings", post(answer));
        #[expect(clippy::disallowed_methods, reason = "a test has no App")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    async fn ask(answer: Value) -> Result<Vec<Vec<f32>>, ModelError> {
        crate::install_tls();
        let embedder = UpstreamEmbedder::new(&server(answer).await, "m", Secret::default()).unwrap();
        embedder.embed(Purpose::Query, &["a".to_owned(), "b".to_owned()]).await
    }

    #[tokio::test]
    async fn vectors_come_in_the_order_of_the_texts() {
        let rows = json!({"data": [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0.0]}]});
        assert_eq!(ask(rows).await.unwrap(), [[1.0, 0.0], [0.0, 1.0]]);
    }

    #[tokio::test]
    async fn an_answer_that_does_not_fit_is_refused() {
        for bad in [
            json!({"data": [{"index": 0, "embedding": [1.0]}]}),
            json!({"error": "no"}),
            json!({"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]}),
        ] {
            assert!(matches!(ask(bad.clone()).await, Err(ModelError::Upstream { .. })), "{bad}");
        }
    }
}
