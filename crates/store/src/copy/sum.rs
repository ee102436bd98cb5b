//! What is in a table, in 32 bytes: equal sums mean equal rows, in whatever order and on whichever database.

use std::collections::BTreeMap;

use secondme_kit::secret::sha256;

use super::rows::Rows;
use super::schema::{Table, tables};
use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::Value;

/// The number of rows and the sum of their SHA-256 hashes, in four lanes of 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows there are.
    pub rows: u64,
    lanes: [u64; 4],
}

impl Sum {
    pub(super) fn add(&mut self, table: &Table, row: &[Value]) {
        let mut cells: Vec<(&str, &Value)> = table.columns.iter().map(|c| c.name.as_str()).zip(row).collect();
        cells.sort_by_key(|(name, _)| *name);
        let mut bytes = Vec::new();
        for (name, value) in cells {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            encode(value, &mut bytes);
        }
        let hash = sha256(&bytes);
        for (lane, part) in self.lanes.iter_mut().zip(hash.chunks_exact(8)) {
            let part = part.iter().fold(0_u64, |n, byte| (n << 8) | u64::from(*byte));
            *lane = lane.wrapping_add(part);
        }
        self.rows += 1;
    }

    /// The sum as 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.lanes.iter().map(|lane| format!("{lane:016x}")).collect()
    }
}

/// Kind, length, content: no two values look alike, and truth looks the same on both databases.
fn encode(value: &Value, out: &mut Vec<u8>) {
    let (kind, bytes) = match value {
        Value::Null => (b'n', Vec::new()),
        Value::Int(n) => (b'i', n.to_be_bytes().to_vec()),
        Value::Bool(b) => (b'i', i64::from(*b).to_be_bytes().to_vec()),
        Value::Real(x) => (b'r', x.to_bits().to_be_bytes().to_vec()),
        Value::Text(text) => (b't', text.as_bytes().to_vec()),
        Value::Bytes(bytes) => (b'b', bytes.clone()),
    };
    out.push(kind);
    out.extend_from_slice(&bytes.len().to_be_bytes());
    out.extend_from_slice(&bytes);
}

/// The sums of every table, as this transaction sees them.
///
/// # Errors
/// Storage failures only.
pub async fn sums(tx: &mut Tx) -> Result<BTreeMap<String, Sum>, StoreError> {
    let mut all = BTreeMap::new();
    for table in tables(tx).await? {
        let (mut sum, mut rows) = (Sum::default(), Rows::new(&table));
        while let Some(row) = rows.next(tx).await? {
            sum.add(&table, &row);
        }
        all.insert(table.name, sum);
    }
    Ok(all)
}
