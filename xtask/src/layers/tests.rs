//! The checks on small made-up trees.

use super::tree::{File, Tree};
use super::{check, paths, tokens};

/// A tree of server modules: paths below `crates/server/src`, and their text.
fn server(files: &[(&str, &str)]) -> Tree {
    let sources = files.iter().map(|(path, text)| file(&format!("crates/server/src/{path}"), text)).collect();
    Tree { sources, manifests: Vec::new() }
}

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

/// The findings as text, without the folder that they all share.
fn findings(tree: &Tree) -> Vec<String> {
    check(tree).iter().map(|finding| finding.to_string().replace("crates/server/src/", "")).collect()
}

fn references(text: &str) -> Vec<String> {
    let tree = server(&[("users/accounts/mod.rs", text)]);
    paths::modules(&tree)[0].references.iter().map(|r| format!("{}:{}", r.line, r.target.join("::"))).collect()
}

#[test]
fn strings_comments_and_lifetimes_hold_no_paths() {
    let text = r####"
        // crate::a::b
        /* crate::a /* nested */ crate::b */
        const A: &str = "crate::c::\" d"; const B: &[u8] = br#"crate::"e"#; const C: char = '"'; const D: char = '\'';
        fn f<'a>(x: &'a str) -> crate::real::Type<'a> {}
    "####;
    let words: Vec<_> = tokens::tokens(text).into_iter().map(|(token, _)| token).collect();
    assert_eq!(words.iter().filter(|t| **t == tokens::Token::Word("crate".into())).count(), 1);
    assert_eq!(references(text), ["5:real::Type"]);
}

#[test]
fn every_form_of_path_is_found() {
    assert_eq!(references("use crate::a::{b, c::{self, D as E}, f::*};"), ["1:a::b", "1:a::c", "1:a::c::D", "1:a::f"]);
    assert_eq!(
        references("use super::x;\nuse self::y;\nuse super::super::z::Z;"),
        ["1:users::x", "2:users::accounts::y", "3:z::Z"]
    );
    assert_eq!(references("mod http;\npub use http::routes;"), ["2:users::accounts::http::routes"]);
    assert_eq!(references("use ::http::Uri; use axum::http::Method;"), [] as [&str; 0]);
    assert_eq!(references("fn f() -> impl Sized + use<> { crate::a::b::<u8>() }"), ["1:a::b"]);
    assert_eq!(references("mod tests {\n use super::*;\n}\nuse super::x;"), ["2:users::accounts", "4:users::x"]);
    assert_eq!(references("use crate::{\n    a::A,\n    b::B,\n};"), ["2:a::A", "3:b::B"]);
}

#[test]
fn arrows_down_and_to_app_are_fine() {
    let tree = server(&[
        (
            "lib.rs",
            "pub mod app; pub mod error; pub mod users; pub mod chat; pub mod http; pub mod router; pub mod cli;",
        ),
        ("app.rs", "use crate::users::accounts;"),
        ("cli/serve.rs", "use crate::router;"),
        ("router.rs", "use crate::chat; use crate::users;"),
        ("error.rs", "use crate::http::Envelope;"),
        ("http/mod.rs", "use crate::error::Error;"),
        ("users/mod.rs", "use crate::error::Error; use crate::app::App;"),
        ("chat/mod.rs", "use crate::users::profile; fn f() { crate::error::log() }"),
    ]);
    assert_eq!(findings(&tree), [] as [&str; 0]);
}

#[test]
fn an_arrow_up_is_an_error_however_it_is_written() {
    let up = "error: users/profile/mod.rs:2: `users` stands below `chat` and may not import it";
    for text in [
        "\nuse crate::chat::sessions;",
        "\nfn f() { crate::chat::f() }",
        "\nuse crate::{error::E, chat};",
        "\nuse super::super::chat;",
    ] {
        let tree = server(&[("users/profile/mod.rs", text), ("chat/mod.rs", ""), ("error.rs", "")]);
        assert_eq!(findings(&tree), [up], "{text}");
    }
}

#[test]
fn neighbours_do_not_import_each_other() {
    let tree = server(&[("oauth/mod.rs", "use crate::memory::notes;"), ("memory/mod.rs", "")]);
    assert_eq!(
        findings(&tree),
        ["error: oauth/mod.rs:1: `oauth` stands on the same floor as `memory` and may not import it"]
    );
}

#[test]
fn a_module_without_a_floor_is_an_error() {
    let tree = server(&[("gadgets/mod.rs", ""), ("users/mod.rs", "use crate::gadgets;")]);
    let expected =
        "error: gadgets/mod.rs: module `gadgets` has no floor yet: give it one in xtask/src/layers/floors.rs";
    assert_eq!(findings(&tree), [expected]);
}

#[test]
fn a_store_is_private_to_its_folder() {
    let inside = ("users/accounts/mod.rs", "mod store;\nuse store::insert;");
    let store = ("users/accounts/store.rs", "");
    assert_eq!(findings(&server(&[inside, store])), [] as [&str; 0]);

    let outside = ("chat/mod.rs", "use crate::users::accounts::store::insert;");
    let private =
        "error: chat/mod.rs:1: `users::accounts::store` is private to its folder; call a rule of `users::accounts`";
    assert_eq!(findings(&server(&[inside, store, outside])), [private]);

    let neighbour = ("users/profile.rs", "use super::accounts::store;");
    assert_eq!(findings(&server(&[inside, store, neighbour])).len(), 1);

    let shown = ("users/accounts/mod.rs", "\npub(crate) mod store;");
    assert_eq!(
        findings(&server(&[shown, store])),
        ["error: users/accounts/mod.rs:2: `mod store` must be private to its folder"]
    );
}

#[test]
fn something_else_called_store_is_no_store_module() {
    let tree = server(&[("users/mod.rs", "use secondme_store::Store; use crate::app::store;"), ("app.rs", "")]);
    assert_eq!(findings(&tree), [] as [&str; 0]);
}

#[test]
fn inside_a_noun_the_arrows_point_to_the_store() {
    let http = ("memory/notes/http.rs", "use super::{add, Note}; use crate::http::Body;");
    let rules = ("memory/notes/mod.rs", "pub mod http;\nmod store;\nuse store::insert;");
    let store = ("memory/notes/store.rs", "use super::Note;");
    let shared = ("http/mod.rs", "");
    assert_eq!(findings(&server(&[http, rules, store, shared])), [] as [&str; 0]);

    let what = "may not import http: the arrows are http.rs → mod.rs → store.rs";
    let rules = ("memory/notes/mod.rs", "pub mod http;\nmod store;\nuse http::AddNote;");
    assert_eq!(findings(&server(&[http, rules, store])), [format!("error: memory/notes/mod.rs:3: mod.rs {what}")]);
    for text in ["use super::http::AddNote;", "use crate::http::Body;"] {
        let store = ("memory/notes/store.rs", text);
        let tree = server(&[http, store, shared]);
        assert_eq!(findings(&tree), [format!("error: memory/notes/store.rs:1: store {what}")]);
    }
}

#[test]
fn a_domain_may_gather_the_routes_of_its_nouns() {
    let domain = ("memory/mod.rs", "pub mod notes; pub fn routes() { notes::http::routes() }");
    assert_eq!(findings(&server(&[domain, ("memory/notes/http.rs", "")])), [] as [&str; 0]);
}

#[test]
fn names_that_say_nothing_are_errors() {
    for path in ["crates/llm/src/utils.rs", "crates/server/tests/common/mod.rs"] {
        let tree = Tree { sources: vec![file(path, "")], manifests: Vec::new() };
        assert_eq!(findings(&tree).len(), 1, "{path}");
    }
    let tree = Tree { sources: vec![file("crates/llm/src/content_types.rs", "")], manifests: Vec::new() };
    assert_eq!(findings(&tree), [] as [&str; 0]);
}

#[test]
fn long_files_are_warned_about_and_longer_ones_refused() {
    let of = |lines: usize| findings(&server(&[("users/mod.rs", &"\n".repeat(lines))]));
    assert_eq!(of(400), [] as [&str; 0]);
    assert_eq!(of(401), ["warning: users/mod.rs: 401 lines; think about splitting it at 400"]);
    assert!(of(600)[0].starts_with("warning"));
    assert_eq!(of(601), ["error: users/mod.rs: 601 lines; 600 is the limit"]);
}

#[test]
fn crates_depend_only_downwards() {
    let of = |name: &str, text: &str| {
        let manifests = vec![file(&format!("crates/{name}/Cargo.toml"), text)];
        findings(&Tree { sources: Vec::new(), manifests })
    };
    let own = "[package]\nname = \"secondme-store\"\n[dependencies]\nsecondme-kit.workspace = true\n";
    assert_eq!(of("store", own), [] as [&str; 0]);
    let up = "error: crates/store/Cargo.toml:2: `store` may not depend on `jobs`";
    for text in [
        "[dev-dependencies]\nsecondme-jobs = { path = \"../jobs\" }",
        "\n[target.'cfg(unix)'.dependencies.secondme-jobs]\npath = \"\"",
    ] {
        assert_eq!(of("store", text), [up]);
    }
    assert_eq!(of("llm", "[dependencies]\nsecondme-store.workspace = true").len(), 1);
    assert_eq!(
        of("server", "[dependencies]\nsecondme-store.workspace = true\nsecondme-speech.workspace = true"),
        [] as [&str; 0]
    );
    assert_eq!(
        of("shop", ""),
        ["error: crates/shop/Cargo.toml: crate `shop` has no place yet: give it one in xtask/src/layers/crates.rs"]
    );
}

#[test]
fn a_name_is_one_schema() {
    let row = "/// A struct of\n#[derive(Debug, ToSchema)]\n#[serde(default)]\npub struct Row {\n}\n";
    let plain = "#[derive(Debug)]\npub struct Row {\n}\n";
    assert_eq!(
        findings(&server(&[("users/a.rs", row), ("users/b.rs", plain), ("users/c.rs", row)])),
        ["error: users/c.rs:4: `Row` is a schema of users/a.rs, too"]
    );
}
