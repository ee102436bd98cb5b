//! What every operation of the OpenAPI document has, so that typed clients can be generated from it: a name of its own (they make
//! functions of them; it is made from method and path, which are unique), a word about each answer, and the shape of failures.

use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ArrayItems, Schema};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr};

use super::envelope::Failure;

/// Names every operation.
pub fn name(document: &mut OpenApi, base: &str) {
    for (path, item) in &mut document.paths.paths {
        let path = path.strip_prefix(base).unwrap_or(path).to_owned();
        for (method, operation) in of(item) {
            operation.operation_id = Some(name_of(method, &path));
        }
    }
}

/// Adds what a response must have (a description), and the failures that every operation shares.
pub fn describe(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for (_, operation) in of(item) {
            let responses = &mut operation.responses.responses;
            for response in responses.values_mut() {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    response.description = "Success".to_owned();
                }
            }
            responses.insert("default".to_owned(), RefOr::T(failure()));
        }
    }
    let components = document.components.get_or_insert_with(Default::default);
    components.schemas.insert(FAILURE.to_owned(), Failure::schema());
    components.schemas.values_mut().for_each(without_defaults);
}

/// Takes away the defaults that serde's `default` leaves: they are empty values which say nothing, and generators take a field with a
/// default for one that is always there.
fn without_defaults(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::Ref(reference) => reference.default = None,
        RefOr::T(Schema::Object(object)) => {
            object.default = None;
            object.properties.values_mut().for_each(without_defaults);
        }
        RefOr::T(Schema::Array(array)) => {
            array.default = None;
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                without_defaults(items);
            }
        }
        RefOr::T(Schema::OneOf(one)) => {
            one.default = None;
            one.items.iter_mut().for_each(without_defaults);
        }
        RefOr::T(Schema::AllOf(all)) => {
            all.default = None;
            all.items.iter_mut().for_each(without_defaults);
        }
        RefOr::T(Schema::AnyOf(any)) => {
            any.default = None;
            any.items.iter_mut().for_each(without_defaults);
        }
        RefOr::T(_) => {}
    }
}

const FAILURE: &str = "Failure";

fn failure() -> Response {
    let schema = ContentBuilder::new().schema(Some(Ref::from_schema_name(FAILURE))).build();
    ResponseBuilder::new().description("A failure").content("application/json", schema).build()
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
