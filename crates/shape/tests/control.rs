//! The four refusals of contract 11, in the order of 24.65.

use secondme_shape::{ControlError, check};

#[test]
fn lengths_are_code_points() {
    let text = |n: usize| format!("{{}}{}", "喜".repeat(n - 2));
    assert_eq!(check(&text(20), 20, 8000), Ok(()));
    assert_eq!(check(&text(19), 20, 8000), Err(ControlError::TooShort { len: 19 }));
    assert_eq!(check(&text(8000), 20, 8000), Ok(()));
    assert_eq!(check(&text(8001), 20, 8000), Err(ControlError::TooLong { len: 8001 }));
}

#[test]
fn blank_comes_before_short_and_short_before_braces() {
    assert_eq!(check("", 20, 8000), Err(ControlError::Empty));
    assert_eq!(check(&" \n\u{3000}".repeat(20), 20, 8000), Err(ControlError::Empty));
    assert_eq!(check("no braces", 20, 8000), Err(ControlError::TooShort { len: 9 }));
    assert_eq!(check(&"no braces here ".repeat(3), 20, 8000), Err(ControlError::NoStructure));
}

#[test]
fn braces_must_open_before_they_close() {
    assert_eq!(check("} the wrong way round {", 20, 8000), Err(ControlError::NoStructure));
    assert_eq!(check("an array [1, 2, 3] alone is not enough", 20, 8000), Err(ControlError::NoStructure));
    assert_eq!(check("} and then { after all } it is", 20, 8000), Ok(()));
    assert_eq!(check("仅输出 JSON：｛“is_liked”：布尔值｝，谢谢", 20, 8000), Ok(()));
}
