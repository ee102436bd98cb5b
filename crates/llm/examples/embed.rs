//! Turns lines into vectors, for the benchmark of retrieval: `embed <model.gguf>`, then lines on standard input that begin with
//! `Q` (a question) or `P` (a passage) and a tab; a line of numbers for each on standard output.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::fmt::Write;
use std::io::BufRead;
use std::path::Path;

use secondme_llm::{EmbeddedEmbedder, Embedder, ModelError, Purpose};

#[tokio::main]
async fn main() -> Result<(), ModelError> {
    if let Err(error) = secondme_llm::ensure_passive_threads() {
        eprintln!("the engine's threads will spin: {error}");
    }
    let path = std::env::args().nth(1).unwrap_or_default();
    let embedder = EmbeddedEmbedder::open(Path::new(&path), 0)?;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (kind, text) = line.split_once('\t').unwrap_or(("P", &line));
        let purpose = if kind == "Q" { Purpose::Query } else { Purpose::Passage };
        let vectors = embedder.embed(purpose, &[text.to_owned()]).await?;
        let mut out = String::new();
        for value in vectors.iter().flatten() {
            let _ = write!(out, "{value:.5} ");
        }
        println!("{out}");
    }
    Ok(())
}
