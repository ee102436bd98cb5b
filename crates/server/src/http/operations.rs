//! Names of operations in the OpenAPI document. Generated clients make functions of them, so they must be unique: they are made from
//! method and path, which are.

use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};

/// Names every operation.
pub fn name(document: &mut OpenApi, base: &str) {
    for (path, item) in &mut document.paths.paths {
        let path = path.strip_prefix(base).unwrap_or(path).to_owned();
        for (method, operation) in of(item) {
            operation.operation_id = Some(name_of(method, &path));
        }
    }
}

fn of(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// `post`, `/secondme/note/{note_id}/update` → `postNoteByNoteIdUpdate`.
fn name_of(method: &str, path: &str) -> String {
    let mut name = method.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != "secondme") {
        let parameter = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        if parameter.is_some() {
            name.push_str("By");
        }
        for word in parameter.unwrap_or(part).split(|c: char| !c.is_ascii_alphanumeric()) {
            let (first, rest) = word.split_at(word.len().min(1));
            name.push_str(&first.to_ascii_uppercase());
            name.push_str(rest);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_method_and_path() {
        assert_eq!(name_of("post", "/secondme/note/{note_id}/update"), "postNoteByNoteIdUpdate");
        assert_eq!(name_of("get", "/secondme/avatar/custom-skills/list"), "getAvatarCustomSkillsList");
        assert_eq!(name_of("get", "/certificate/"), "getCertificate");
    }
}
