//! Embeddings: unit-length vectors that lie near each other when the faces are of one person.

/// The values do not make an embedding.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// A value is NaN or infinite, or all are zero.
    #[error("an embedding must be finite and not all zero")]
    NotADirection,
    /// The bytes are not `4 * dimension` long.
    #[error("an embedding of dimension {dimension} has {} bytes, found {found}", 4 * dimension)]
    WrongLength {
        /// The dimension wanted.
        dimension: usize,
        /// Bytes found.
        found: usize,
    },
    /// The vector is not of unit length.
    #[error("an embedding has length 1, found {length}")]
    NotUnitLength {
        /// The length found.
        length: f32,
    },
}

/// A unit-length vector a model gives for one aligned face. Biometric data: it prints nothing of itself.
#[derive(Clone, PartialEq)]
pub struct Embedding(Box<[f32]>);

impl Embedding {
    /// Scales a model's output to unit length.
    ///
    /// # Errors
    /// [`EmbeddingError::NotADirection`] if a value is not finite or all are zero.
    pub fn from_raw(mut values: Vec<f32>) -> Result<Self, EmbeddingError> {
        let length = length(&values);
        if !length.is_finite() || length <= f64::from(f32::MIN_POSITIVE) {
            return Err(EmbeddingError::NotADirection);
        }
        for value in &mut values {
            *value = (f64::from(*value) / length) as f32;
        }
        Ok(Self(values.into_boxed_slice()))
    }

    /// Reads what [`Embedding::to_le_bytes`] wrote.
    ///
    /// # Errors
    /// [`EmbeddingError::WrongLength`], or [`EmbeddingError::NotUnitLength`] if the bytes were tampered with.
    pub fn from_le_bytes(bytes: &[u8], dimension: usize) -> Result<Self, EmbeddingError> {
        let (words, rest) = bytes.as_chunks::<4>();
        if words.len() != dimension || !rest.is_empty() {
            return Err(EmbeddingError::WrongLength { dimension, found: bytes.len() });
        }
        let values: Box<[f32]> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        let length = length(&values) as f32;
        if (length - 1.0).abs() < 1e-3 { Ok(Self(values)) } else { Err(EmbeddingError::NotUnitLength { length }) }
    }

    /// Little-endian f32, `4 * dimension` bytes.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// The values.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// How many values.
    #[must_use]
    pub const fn dimension(&self) -> usize {
        self.0.len()
    }

    /// Cosine similarity, -1 to 1. Both must be of the same pack; of different dimensions it is 0.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f32 {
        if self.dimension() == other.dimension() { dot(&self.0, &other.0) } else { 0.0 }
    }

    /// The weighted mean of several shots of one face, brought to unit length again.
    /// Weights that are not positive count as nothing; `None` if nothing is left or dimensions differ.
    #[must_use]
    pub fn fuse<'a>(shots: impl IntoIterator<Item = (&'a Self, f32)>) -> Option<Self> {
        let mut sum: Vec<f32> = Vec::new();
        for (embedding, weight) in shots.into_iter().filter(|(_, weight)| *weight > 0.0) {
            if sum.is_empty() {
                sum.resize(embedding.dimension(), 0.0);
            }
            if sum.len() != embedding.dimension() {
                return None;
            }
            sum.iter_mut().zip(embedding.as_slice()).for_each(|(total, value)| *total += weight * value);
        }
        Self::from_raw(sum).ok()
    }
}

impl std::fmt::Debug for Embedding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Embedding({} values)", self.0.len())
    }
}

fn length(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

/// The inner product, in eight running sums so that the compiler may use vector registers.
/// The lists must be of the same length.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw() -> impl Strategy<Value = Vec<f32>> {
        proptest::collection::vec(-9.0_f32..9.0, 128).prop_filter("a direction", |values| length(values) > 0.1)
    }

    proptest! {
        #[test]
        fn bytes_there_and_back(values in raw()) {
            let embedding = Embedding::from_raw(values).unwrap();
            let bytes = embedding.to_le_bytes();
            prop_assert_eq!(Embedding::from_le_bytes(&bytes, 128).unwrap(), embedding);
            prop_assert!(Embedding::from_le_bytes(&bytes[1..], 128).is_err());
            prop_assert!(Embedding::from_le_bytes(&bytes, 127).is_err());
        }

        #[test]
        fn similarity_is_symmetric_and_bounded(a in raw(), b in raw()) {
            let (a, b) = (Embedding::from_raw(a).unwrap(), Embedding::from_raw(b).unwrap());
            prop_assert_eq!(a.similarity(&b), b.similarity(&a));
            prop_assert!(a.similarity(&b).abs() <= 1.0001);
            prop_assert!((a.similarity(&a) - 1.0).abs() < 1e-5);
        }

        #[test]
        fn dot_agrees_with_f64(pairs in proptest::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 0..70)) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
            let exact: f64 = pairs.iter().map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            prop_assert!((f64::from(dot(&a, &b)) - exact).abs() < 1e-4);
        }
    }

    #[test]
    fn what_is_no_direction_is_refused() {
        for bad in [vec![], vec![0.0; 4], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0]] {
            assert!(Embedding::from_raw(bad).is_err());
        }
    }

    #[test]
    fn fusing_weighs() {
        let x = Embedding::from_raw(vec![1.0, 0.0]).unwrap();
        let y = Embedding::from_raw(vec![0.0, 1.0]).unwrap();
        let fused = Embedding::fuse([(&x, 3.0), (&y, 4.0), (&y, 0.0)]).unwrap();
        assert!((fused.as_slice()[0] - 0.6).abs() < 1e-6 && (fused.as_slice()[1] - 0.8).abs() < 1e-6);
        assert!(Embedding::fuse([(&x, 0.0)]).is_none());
    }
}
