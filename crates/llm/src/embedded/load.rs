//! A GGUF file → a model in memory, with a clear word about what is wrong with the file or the machine.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::{LogOptions, send_logs_to_tracing};

use super::EmbeddedOptions;
use super::json::Grammars;
use super::prompt::Template;
use crate::ModelError;

/// All of a model that does not change; shared with the callers' threads, which tokenize and compile schemas.
pub(super) struct Loaded {
    pub model: LlamaModel,
    pub template: Template,
    pub grammars: Grammars,
    /// The configured context, cut to what the model was trained for.
    pub context_tokens: usize,
}

impl Loaded {
    /// Loads the file. Takes 0.3 s to many, so it runs on the engine's own thread.
    pub(super) fn open(options: &EmbeddedOptions) -> Result<Self, ModelError> {
        let backend = backend(options.engine_log)?;
        let model = read(backend, &options.path)?;
        let trained = usize::try_from(model.n_ctx_train()).unwrap_or(usize::MAX);
        Ok(Self {
            template: Template::of(&model)?,
            grammars: Grammars::of(&model)?,
            context_tokens: options.context_tokens.min(trained.max(256)),
            model,
        })
    }
}

/// A model that is not for chatting.
pub(crate) fn model(path: &Path) -> Result<LlamaModel, ModelError> {
    read(backend(false)?, path)
}

fn read(backend: &LlamaBackend, path: &Path) -> Result<LlamaModel, ModelError> {
    check_processor()?;
    check_file(path)?;
    LlamaModel::load_from_file(backend, path, &LlamaModelParams::default()).map_err(|e| {
        let path = path.display();
        ModelError::Unavailable(format!("{path} could not be loaded (incomplete, or made for a newer engine?): {e}"))
    })
}

/// The engine's process-wide part, made once.
pub(crate) fn backend(log: bool) -> Result<&'static LlamaBackend, ModelError> {
    static BACKEND: OnceLock<LlamaBackend> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(backend) = BACKEND.get() {
        return Ok(backend);
    }
    send_logs_to_tracing(LogOptions::default().with_logs_enabled(log));
    let backend =
        LlamaBackend::init().map_err(|e| ModelError::Unavailable(format!("the engine does not start: {e}")))?;
    Ok(BACKEND.get_or_init(|| backend))
}

/// The engine is compiled for AVX2; without it the process would die of an illegal instruction.
fn check_processor() -> Result<(), ModelError> {
    #[cfg(target_arch = "x86_64")]
    if !(std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("fma")
        && std::is_x86_feature_detected!("f16c"))
    {
        let text = "this processor has no AVX2, which the embedded engine needs; use an upstream model instead";
        return Err(ModelError::Unavailable(text.into()));
    }
    Ok(())
}

fn check_file(path: &Path) -> Result<(), ModelError> {
    let bad = |why: String| ModelError::Unavailable(format!("model file {}: {why}", path.display()));
    let mut file = File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => bad("not found; fetch one with `secondme model pull`".into()),
        _ => bad(e.to_string()),
    })?;
    let mut magic = [0; 4];
    if file.read_exact(&mut magic).is_err() || &magic != b"GGUF" {
        return Err(bad("is no GGUF file".into()));
    }
    let size = file.metadata().map_err(|e| bad(e.to_string()))?.len();
    match available_memory() {
        Some(free) if size > free => {
            let mib = |bytes: u64| bytes / (1024 * 1024);
            Err(bad(format!("too big: {} MiB, and {} MiB of memory are available", mib(size), mib(free))))
        }
        _ => Ok(()),
    }
}

/// Memory that can still be used, on Linux.
fn available_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = check_file(&dir.path().join("x.gguf")).unwrap_err().to_string();
        assert!(missing.contains("not found") && missing.contains("x.gguf"), "{missing}");
        for content in [&b"GGU"[..], b"<html>"] {
            let path = dir.path().join("y.gguf");
            std::fs::write(&path, content).unwrap();
            assert!(check_file(&path).unwrap_err().to_string().contains("no GGUF"));
        }
    }

    #[test]
    fn a_file_bigger_than_the_memory_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"GGUF").unwrap();
        file.as_file().set_len(1 << 42).unwrap();
        let text = check_file(file.path()).unwrap_err().to_string();
        assert!(text.contains("too big"), "{text}");
    }
}
