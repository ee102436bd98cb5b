//! Bits into bytes, the most significant one first.

/// Writes to the end of a file.
pub(super) struct Writer<'a> {
    file: &'a mut Vec<u8>,
    pending: u64,
    count: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(file: &'a mut Vec<u8>) -> Self {
        Self { file, pending: 0, count: 0 }
    }

    /// The lowest `bits` bits of a value; at most 32.
    pub(super) fn put(&mut self, value: u32, bits: u32) {
        self.pending = (self.pending << bits) | (u64::from(value) & ((1 << bits) - 1));
        self.count += bits;
        while self.count >= 8 {
            self.count -= 8;
            self.file.push((self.pending >> self.count) as u8);
        }
    }

    /// Fills the last byte with zeros.
    pub(super) fn finish(mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }
}
