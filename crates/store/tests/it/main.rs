//! The contract of the storage seam, on both databases.

mod contract;
