//! A value of the database in a bundle and back, without a loss: fractions and bytes are text, so that no reader rounds them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secondme_store::Value;
use secondme_store::copy::{Column, Kind};
use serde_json::Value as Json;

pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(n) => (*n).into(),
        // SQLite knows no truth but 0 and 1.
        Value::Bool(b) => i64::from(*b).into(),
        Value::Real(x) => format!("{x:?}").into(),
        Value::Text(text) => text.clone().into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
    }
}

/// The value for a column; none when it is not one of its kind.
pub(super) fn from_json(json: &Json, column: &Column) -> Option<Value> {
    if json.is_null() {
        return column.nullable.then_some(Value::Null);
    }
    Some(match column.kind {
        Kind::Int | Kind::Bool => column.kind.fit(Value::Int(json.as_i64()?)),
        Kind::Real => Value::Real(json.as_str()?.parse().ok()?),
        Kind::Text => Value::Text(json.as_str().filter(|text| !text.contains('\0'))?.to_owned()),
        Kind::Bytes => Value::Bytes(STANDARD.decode(json.as_str()?).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        let column = |kind| Column { name: "c".to_owned(), kind, nullable: true };
        for (kind, value) in [
            (Kind::Int, Value::Int(i64::MIN)),
            (Kind::Bool, Value::Bool(true)),
            (Kind::Real, Value::Real(0.1 + 0.2)),
            (Kind::Real, Value::Real(-0.0)),
            (Kind::Real, Value::Real(5e-324)),
            (Kind::Text, Value::Text("\"\n你🦊".to_owned())),
            (Kind::Bytes, Value::Bytes(vec![0, 255, 10])),
            (Kind::Text, Value::Null),
        ] {
            let line = to_json(&value).to_string();
            let back = from_json(&serde_json::from_str(&line).unwrap(), &column(kind));
            assert!(back.as_ref() == Some(&value), "{line}");
        }
        assert!(from_json(&Json::from("x"), &column(Kind::Int)).is_none());
        assert!(from_json(&Json::from(1.5), &column(Kind::Int)).is_none());
        let required = Column { nullable: false, ..column(Kind::Int) };
        assert!(from_json(&Json::Null, &required).is_none());
    }
}
