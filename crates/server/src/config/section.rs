//! The macro that declares a section of the configuration: its keys, their defaults and what they mean, once.

/// One key of a section, as the generated reference shows it.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Name inside its section.
    pub name: &'static str,
    /// What it means, in a sentence or two.
    pub doc: &'static str,
}

macro_rules! section {
    (
        $(#[doc = $section_doc:literal])*
        $name:ident {
            $( $(#[doc = $doc:literal])* $key:ident : $type:ty = $default:expr, )*
        }
    ) => {
        $(#[doc = $section_doc])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $key: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $key: $default, )* }
            }
        }

        impl $name {
            /// What the section is for.
            pub const DOC: &'static str = concat!($($section_doc,)* "");
            /// Its keys, in the order of the file.
            pub const KEYS: &'static [$crate::config::section::Key] = &[
                $( $crate::config::section::Key { name: stringify!($key), doc: concat!($($doc,)* "") }, )*
            ];
        }
    };
}

pub(crate) use section;
