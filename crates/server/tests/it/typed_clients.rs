//! Typed clients, generated from our OpenAPI document by other people's generators: they compile, are type-checked, and run against
//! the demo world.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::harness::{ADA, TestDb, World, both};
use crate::relying_party::{Kit, install, skipped};

const KIT: Kit = Kit {
    sources: "tests/typed",
    cache: "typed",
    files: &[
        "package.json",
        "package-lock.json",
        "requirements.txt",
        "generator.yml",
        "mypy.ini",
        "tsconfig.json",
        "demo.py",
        "demo.ts",
    ],
};

both! {
    async fn a_client_for_typescript_is_generated_and_runs(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::new(db).await;
        static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
        let place = BUILT.get_or_init(|| async { typescript(folder, &document(&world).await).await }).await;
        let demo = Command::new("node").arg(place.join("out/demo.js")).current_dir(place).envs(demo(&world)).output().await;
        done(demo.unwrap());
    }

    async fn a_client_for_python_is_generated_and_runs(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::new(db).await;
        static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
        let place = BUILT.get_or_init(|| async { python(folder, &document(&world).await).await }).await;
        let path = std::env::join_paths([place, &folder.join("python")]).unwrap();
        let demo = Command::new("python3").arg(place.join("demo.py")).env("PYTHONPATH", path).envs(demo(&world)).output().await;
        done(demo.unwrap());
    }
}

/// The document as the server gives it.
async fn document(world: &World) -> Value {
    world.http.get(format!("{}/openapi.json", world.url)).send().await.unwrap().json().await.unwrap()
}

fn demo(world: &World) -> [(&'static str, String); 2] {
    [("ORIGIN", world.url.clone()), ("TOKEN", ADA.to_owned())]
}

fn done(output: std::process::Output) {
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "done", "{failed}");
}

/// A fresh folder with the document in it.
fn place(name: &str, document: &Value) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("typed").join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("openapi.json"), document.to_string()).unwrap();
    place
}

async fn run(command: &mut Command, what: &str) {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {said}{failed}");
}

/// Types by `openapi-typescript`, compiled with `strict`.
async fn typescript(folder: &Path, document: &Value) -> PathBuf {
    let place = place("typescript", document);
    for file in ["package.json", "tsconfig.json", "demo.ts"] {
        std::fs::copy(folder.join(file), place.join(file)).unwrap();
    }
    std::os::unix::fs::symlink(folder.join("node_modules"), place.join("node_modules")).unwrap();
    let tool = |path: &str| {
        let mut command = Command::new("node");
        command.arg(folder.join("node_modules").join(path)).current_dir(&place);
        command
    };
    run(tool("openapi-typescript/bin/cli.js").args(["openapi.json", "-o", "api.d.ts"]), "openapi-typescript").await;
    run(tool("typescript/bin/tsc").args(["-p", "."]), "tsc").await;
    place
}

/// A package by `openapi-python-client`, checked by mypy with `strict`, and the script that uses it, too.
async fn python(folder: &Path, document: &Value) -> PathBuf {
    let place = place("python", document);
    for file in ["generator.yml", "mypy.ini", "demo.py"] {
        std::fs::copy(folder.join(file), place.join(file)).unwrap();
    }
    let tool = |module: &str| {
        let mut command = Command::new("python3");
        command.args(["-m", module]).env("PYTHONPATH", folder.join("python")).current_dir(&place);
        command
    };
    let generated = ["generate", "--path", "openapi.json", "--output-path", "secondme_client", "--meta", "none"];
    let generator = &mut tool("openapi_python_client");
    run(generator.args(generated).args(["--config", "generator.yml", "--fail-on-warning"]), "openapi-python-client")
        .await;
    run(tool("mypy").args(["demo.py", "secondme_client"]), "mypy").await;
    place
}

fn installed() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    skipped(FOLDER.get_or_init(|| install(&KIT)))
}
