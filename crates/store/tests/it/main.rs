//! The contract of the storage seam, on both databases.

#[cfg(test)]
mod contract;
