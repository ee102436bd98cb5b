//! Values on their way into and out of a statement. An absent value is accepted for any column type on both databases.

use std::borrow::Cow;
use std::error::Error;

use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A parameter of a statement. Written by [`params!`](crate::params).
#[derive(Clone, PartialEq)]
pub enum Value {
    /// SQL `NULL`, of whatever type the statement wants.
    Null,
    /// `BIGINT`
    Int(i64),
    /// `DOUBLE PRECISION`
    Real(f64),
    /// `BOOLEAN`
    Bool(bool),
    /// `TEXT`
    Text(String),
    /// `BYTEA`
    Bytes(Vec<u8>),
}

// Values may be anybody's data: they are never printed, only their kind is.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int",
            Self::Real(_) => "Real",
            Self::Bool(_) => "Bool",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
        })
    }
}

/// The parameters of one statement, in the order of `$1`, `$2`, ….
#[derive(Clone, Debug, Default)]
pub struct Params(pub(crate) Vec<Value>);

impl From<Vec<Value>> for Params {
    fn from(values: Vec<Value>) -> Self {
        Self(values)
    }
}

/// `params![id, name, None::<i64>]`: the parameters of one statement.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        $crate::Params::from(::std::vec![$($crate::IntoValue::into_value($value)),*])
    };
}

/// What can be a parameter.
pub trait IntoValue {
    /// The value to bind.
    fn into_value(self) -> Value;
}

macro_rules! into_value {
    ($($from:ty, $this:ident => $value:expr;)*) => {
        $(impl IntoValue for $from {
            fn into_value(self) -> Value {
                let $this = self;
                $value
            }
        })*
    };
}

into_value! {
    Value, v => v;
    i64, v => Value::Int(v);
    i32, v => Value::Int(v.into());
    u32, v => Value::Int(v.into());
    &i64, v => Value::Int(*v);
    f64, v => Value::Real(v);
    bool, v => Value::Bool(v);
    &str, v => Value::Text(v.to_owned());
    String, v => Value::Text(v);
    &String, v => Value::Text(v.clone());
    Cow<'_, str>, v => Value::Text(v.into_owned());
    Vec<u8>, v => Value::Bytes(v);
    &Vec<u8>, v => Value::Bytes(v.clone());
    &[u8], v => Value::Bytes(v.to_vec());
}

impl<const N: usize> IntoValue for [u8; N] {
    fn into_value(self) -> Value {
        Value::Bytes(self.to_vec())
    }
}

impl<const N: usize> IntoValue for &[u8; N] {
    fn into_value(self) -> Value {
        Value::Bytes(self.to_vec())
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Null, IntoValue::into_value)
    }
}

impl<'a, T> IntoValue for &'a Option<T>
where
    &'a T: IntoValue,
{
    fn into_value(self) -> Value {
        self.as_ref().into_value()
    }
}

/// A value as a row holds it, borrowed.
#[derive(Clone, Copy)]
pub enum Field<'a> {
    /// SQL `NULL`
    Null,
    /// Any integer; also SQLite's booleans.
    Int(i64),
    /// Any floating point number.
    Real(f64),
    /// PostgreSQL's booleans.
    Bool(bool),
    /// Any text.
    Text(&'a str),
    /// Any byte string.
    Bytes(&'a [u8]),
}

/// What can be read from a row. `None` means: not of this type.
pub trait FromValue: Sized {
    /// The value, if the field is of this type and in range.
    fn from_value(field: Field<'_>) -> Option<Self>;
}

macro_rules! from_value {
    ($($to:ty { $($pattern:pat => $value:expr),* $(,)? })*) => {
        $(impl FromValue for $to {
            fn from_value(field: Field<'_>) -> Option<Self> {
                match field {
                    $($pattern => $value,)*
                    _ => None,
                }
            }
        })*
    };
}

from_value! {
    i64 { Field::Int(v) => Some(v) }
    i32 { Field::Int(v) => v.try_into().ok() }
    u32 { Field::Int(v) => v.try_into().ok() }
    f64 { Field::Real(v) => Some(v), Field::Int(v) => Some(v as f64) }
    bool { Field::Bool(v) => Some(v), Field::Int(0) => Some(false), Field::Int(1) => Some(true) }
    String { Field::Text(v) => Some(v.to_owned()) }
    Vec<u8> { Field::Bytes(v) => Some(v.to_vec()) }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(field: Field<'_>) -> Option<Self> {
        let Field::Bytes(bytes) = field else { return None };
        bytes.try_into().ok()
    }
}

impl FromValue for Value {
    fn from_value(field: Field<'_>) -> Option<Self> {
        Some(match field {
            Field::Null => Self::Null,
            Field::Int(v) => Self::Int(v),
            Field::Real(v) => Self::Real(v),
            Field::Bool(v) => Self::Bool(v),
            Field::Text(v) => Self::Text(v.to_owned()),
            Field::Bytes(v) => Self::Bytes(v.to_vec()),
        })
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(field: Field<'_>) -> Option<Self> {
        match field {
            Field::Null => Some(None),
            field => T::from_value(field).map(Some),
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(v) => ValueRef::Integer(*v),
            Self::Real(v) => ValueRef::Real(*v),
            Self::Bool(v) => ValueRef::Integer((*v).into()),
            Self::Text(v) => ValueRef::Text(v.as_bytes()),
            Self::Bytes(v) => ValueRef::Blob(v),
        }))
    }
}

impl<'a> From<&'a SqliteValue> for Field<'a> {
    fn from(value: &'a SqliteValue) -> Self {
        match value {
            SqliteValue::Null => Self::Null,
            SqliteValue::Integer(v) => Self::Int(*v),
            SqliteValue::Real(v) => Self::Real(*v),
            SqliteValue::Text(v) => Self::Text(v),
            SqliteValue::Blob(v) => Self::Bytes(v),
        }
    }
}

type Boxed = Box<dyn Error + Sync + Send>;

/// Encodes by the type that PostgreSQL inferred for the parameter, so an integer fits `INT4` and an absent value fits anything.
impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(v), &Type::INT8) => v.to_sql(ty, out),
            (Self::Int(v), &Type::INT4) => i32::try_from(*v)?.to_sql(ty, out),
            (Self::Int(v), &Type::INT2) => i16::try_from(*v)?.to_sql(ty, out),
            (Self::Real(v), &Type::FLOAT8) => v.to_sql(ty, out),
            (Self::Bool(v), &Type::BOOL) => v.to_sql(ty, out),
            (Self::Text(v), &(Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME)) => v.to_sql(ty, out),
            (Self::Bytes(v), &Type::BYTEA) => v.to_sql(ty, out),
            (kind, ty) => Err(format!("a parameter of kind {kind:?} does not fit the column type {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Field<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Boxed> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(ty, raw)?),
            Type::FLOAT4 => Self::Real(f32::from_sql(ty, raw)?.into()),
            Type::BOOL => Self::Bool(bool::from_sql(ty, raw)?),
            Type::BYTEA => Self::Bytes(raw),
            _ => Self::Text(<&str>::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::INT2 | Type::FLOAT8 | Type::FLOAT4 | Type::BOOL | Type::BYTEA)
            || <&str as FromSql>::accepts(ty)
    }
}
