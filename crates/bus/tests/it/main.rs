//! What both buses promise.

#[cfg(test)]
mod promises;
