//! The network itself, on ONNX Runtime. The runtime is a shared library that is loaded by its path, once per process.

use std::path::Path;
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;

use super::voices::{STYLE, Styles};
use super::{KokoroFiles, KokoroOptions};
use crate::SpeechError;

/// Samples in a second of what the network makes.
pub const SAMPLE_RATE: u32 = 24_000;

/// A loaded network with its voices.
pub(super) struct Network {
    session: Session,
    styles: Styles,
}

impl Network {
    /// Loads library, network and voices.
    ///
    /// # Errors
    /// `Unavailable` when one of the files is not there or not what it should be.
    pub(super) fn load(options: &KokoroOptions) -> Result<Self, SpeechError> {
        let KokoroFiles { model, voices, library } = &options.files;
        let styles = Styles::read(voices)?;
        let runtime = runtime(library)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if options.threads == 0 { cores } else { options.threads };
        let session = open(&runtime, model, threads)
            .map_err(|e| SpeechError::Unavailable(format!("{}: {e}", model.display())))?;
        tracing::info!(threads, "the speech engine is ready");
        Ok(Self { session, styles })
    }

    /// The sound of some symbols (by number), said by a voice at a pace.
    ///
    /// # Errors
    /// `Voice` for an unknown one; `Broken` when the network fails.
    pub(super) fn run(&mut self, symbols: &[i64], voice: &str, pace: f32) -> Result<Vec<f32>, SpeechError> {
        let style = self.styles.of(voice, symbols.len()).ok_or_else(|| SpeechError::Voice(voice.to_owned()))?;
        let mut tokens = Vec::with_capacity(symbols.len() + 2);
        tokens.push(0);
        tokens.extend_from_slice(symbols);
        tokens.push(0);
        infer(&mut self.session, tokens, style.to_vec(), pace).map_err(|e| SpeechError::Broken(e.to_string()))
    }
}

fn open(environment: &Environment, model: &Path, threads: usize) -> ort::Result<Session> {
    Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .with_intra_threads(threads)?
        // Threads that spin while they wait cost a multiple as soon as anything else runs (ADR 0010).
        .with_intra_op_spinning(false)?
        .commit_from_file(model)
}

fn infer(session: &mut Session, tokens: Vec<i64>, style: Vec<f32>, pace: f32) -> ort::Result<Vec<f32>> {
    let outputs = session.run(ort::inputs![
        "tokens" => Tensor::from_array(([1, tokens.len()], tokens))?,
        "style" => Tensor::from_array(([1, STYLE], style))?,
        "speed" => Tensor::from_array(([1], vec![pace]))?,
    ])?;
    let (_, samples) = outputs["audio"].try_extract_tensor::<f32>()?;
    Ok(samples.to_vec())
}

/// Loads the library; the first one stays.
fn runtime(library: &Path) -> Result<Environment, SpeechError> {
    static RUNTIME: OnceLock<Result<Environment, SpeechError>> = OnceLock::new();
    let unusable = |why: String| SpeechError::Unavailable(format!("{}: {why}", library.display()));
    if !library.is_file() {
        return Err(unusable("there is no such library".to_owned()));
    }
    let start = || {
        let builder = ort::init_from(library).map_err(|e| unusable(e.to_string()))?;
        builder.with_name("secondme").with_telemetry(false).build().map_err(|e| unusable(e.to_string()))
    };
    RUNTIME.get_or_init(start).clone()
}
