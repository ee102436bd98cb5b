//! One way to page: a number from 1 and a clamped size.

/// The largest page any list route gives, whatever was asked for.
pub const MAX_PAGE_SIZE: i64 = 100;

/// A page of a list: `number` from 1, `size` from 1 to [`MAX_PAGE_SIZE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Page number, from 1.
    pub number: i64,
    /// Rows per page.
    pub size: i64,
}

impl Page {
    /// A page from what a client sent; absent values take their defaults, others are clamped.
    pub fn new(number: Option<i64>, size: Option<i64>, default_size: i64) -> Self {
        Self {
            number: number.unwrap_or(1).clamp(1, i64::from(i32::MAX)),
            size: size.unwrap_or(default_size).clamp(1, MAX_PAGE_SIZE),
        }
    }

    /// Rows to skip.
    pub fn offset(self) -> i64 {
        (self.number - 1) * self.size
    }

    /// Whether rows remain after this page when there are `total`.
    pub fn has_more(self, total: i64) -> bool {
        self.offset() + self.size < total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_tile_a_list_without_gap_or_overlap(size in 1i64..=100, total in 0i64..2_000) {
            let mut seen = 0;
            let mut number = 1;
            loop {
                let page = Page::new(Some(number), Some(size), 20);
                prop_assert_eq!(page.offset(), seen);
                seen += page.size.min(total - seen);
                if !page.has_more(total) { break }
                number += 1;
            }
            prop_assert_eq!(seen, total);
        }

        #[test]
        fn any_input_is_clamped(number in any::<Option<i64>>(), size in any::<Option<i64>>()) {
            let page = Page::new(number, size, 20);
            prop_assert!(page.number >= 1 && (1..=MAX_PAGE_SIZE).contains(&page.size) && page.offset() >= 0);
        }
    }
}
