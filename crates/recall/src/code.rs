//! Vectors as they are kept: one byte per dimension and one factor, and their signs packed into words.

use pulp::{Arch, NullaryFnOnce};

/// A vector of length one, each dimension a signed byte. As bytes: the factor (little-endian `f32`), then the dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// What a byte is multiplied with.
    pub factor: f32,
    /// The dimensions.
    pub dims: Vec<i8>,
}

impl Code {
    /// From a vector of any length but zero; it is brought to length one.
    pub fn of(vector: &[f32]) -> Self {
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        let largest = vector.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        if !(norm.is_finite() && largest > 0.0) {
            return Self { factor: 0.0, dims: vec![0; vector.len()] };
        }
        let dims = vector.iter().map(|x| (x / largest * 127.0).round() as i8).collect();
        Self { factor: largest / 127.0 / norm, dims }
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.factor.to_le_bytes().into_iter().chain(self.dims.iter().map(|d| d.cast_unsigned())).collect()
    }

    /// From what is stored; `None` when it is not a code.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (factor, dims) = bytes.split_first_chunk::<4>()?;
        let factor = f32::from_le_bytes(*factor);
        let dims: Vec<i8> = dims.iter().map(|b| b.cast_signed()).collect();
        (factor.is_finite() && !dims.is_empty()).then_some(Self { factor, dims })
    }

    /// The cosine of the angle to another code.
    pub fn cosine(&self, other: &Self) -> f32 {
        dot(&self.dims, &other.dims) as f32 * self.factor * other.factor
    }
}

/// The inner product of two byte vectors, compiled for the widest instructions that the processor has.
pub fn dot(a: &[i8], b: &[i8]) -> i32 {
    Arch::new().dispatch(Dot { a, b })
}

struct Dot<'a> {
    a: &'a [i8],
    b: &'a [i8],
}

impl NullaryFnOnce for Dot<'_> {
    type Output = i32;

    #[inline(always)]
    fn call(self) -> i32 {
        self.a.iter().zip(self.b).map(|(x, y)| i32::from(i16::from(*x) * i16::from(*y))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vectors() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        let one = || prop::collection::vec(-1.0f32..1.0, 50);
        (one(), one())
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
    }

    proptest! {
        #[test]
        fn a_code_says_nearly_what_the_vector_says((a, b) in vectors()) {
            prop_assume!(a.iter().any(|x| x.abs() > 0.1) && b.iter().any(|x| x.abs() > 0.1));
            let (ca, cb) = (Code::of(&a), Code::of(&b));
            prop_assert!((ca.cosine(&cb) - cosine(&a, &b)).abs() < 0.02);
            prop_assert_eq!(Code::from_bytes(&ca.to_bytes()), Some(ca));
        }

        #[test]
        fn the_fast_product_is_the_product(pairs in prop::collection::vec((any::<i8>(), any::<i8>()), 0..70)) {
            let (a, b): (Vec<i8>, Vec<i8>) = pairs.iter().copied().unzip();
            let slow: i32 = pairs.iter().map(|(x, y)| i32::from(*x) * i32::from(*y)).sum();
            prop_assert_eq!(dot(&a, &b), slow);
        }
    }

    #[test]
    fn what_is_no_vector_is_far_from_everything() {
        let nothing = Code::of(&[0.0; 8]);
        assert_eq!(nothing.cosine(&Code::of(&[1.0; 8])), 0.0);
        assert_eq!(Code::from_bytes(&[1, 2, 3]), None);
    }
}
