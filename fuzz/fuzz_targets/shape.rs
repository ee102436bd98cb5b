//! Any text, taken as an `actionControl`: no panic, a schema that is one, and a fallback that has its shape.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let accepted = secondme_shape::check(text, 20, 8_000).is_ok();
    let shape = secondme_shape::shape(text);
    let compiled = jsonschema::validator_for(&shape.schema);
    assert!(compiled.is_ok(), "no schema: {} ({text:?}, accepted: {accepted})", shape.schema);
    if let Some(fallback) = &shape.fallback {
        let valid = secondme_shape::validate(&shape.schema, fallback);
        assert!(valid.is_ok(), "fallback {fallback} of {text:?}: {valid:?}");
    }
    assert_eq!(shape, secondme_shape::shape(text), "the same text gives the same shape");
});
