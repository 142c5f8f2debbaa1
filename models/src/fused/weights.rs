//! Packed weights, shared by all input sizes of a net.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ostiary_kernels::{Dense, Depthwise, Isa, rounded};

use super::Mismatch;
use super::graph::{Conv, Graph};

/// The layers packed so far, by the names of their nodes.
pub(crate) struct Weights {
    isa: Isa,
    layers: Mutex<HashMap<String, Layer>>,
}

#[derive(Clone)]
enum Layer {
    Dense(Arc<Dense>),
    Depthwise(Arc<Depthwise>),
}

impl Weights {
    /// None yet; for one instruction set.
    pub(crate) fn new(isa: Isa) -> Self {
        Self { isa: isa.or_scalar(), layers: Mutex::default() }
    }

    /// The instruction set they are packed for.
    pub(crate) const fn isa(&self) -> Isa {
        self.isa
    }

    /// Bytes of all that is packed.
    #[cfg(test)]
    pub(super) fn size_bytes(&self) -> usize {
        let size = |layer: &Layer| match layer {
            Layer::Dense(layer) => layer.size_bytes(),
            Layer::Depthwise(layer) => layer.size_bytes(),
        };
        self.layers.lock().unwrap_or_else(PoisonError::into_inner).values().map(size).sum()
    }

    /// A depthwise 3x3 convolution.
    pub(super) fn depthwise(&self, graph: &Graph<'_>, conv: &Conv) -> Result<Arc<Depthwise>, Mismatch> {
        let pack = || {
            let (weights, bias) = graph.weights(conv)?;
            Ok(Layer::Depthwise(Arc::new(Depthwise::new(self.isa, &weights, &bias))))
        };
        match self.layer(&conv.name, pack)? {
            Layer::Depthwise(layer) => Ok(layer),
            Layer::Dense(_) => Err(conv.mismatch("another node has its name")),
        }
    }

    /// A convolution over the channels of a tensor, which lie together and are rounded up.
    pub(super) fn dense(&self, graph: &Graph<'_>, conv: &Conv) -> Result<Arc<Dense>, Mismatch> {
        self.dense_from(&conv.name, || {
            let (weights, bias) = graph.weights(conv)?;
            let weights = channels_last(&weights, conv.inputs, conv.side);
            Ok(Dense::new(self.isa, &weights, &bias, conv.side, conv.side * rounded(conv.inputs)))
        })
    }

    /// The dense layer of this name, packed by `pack` the first time.
    pub(super) fn dense_from(
        &self,
        name: &str,
        pack: impl FnOnce() -> Result<Dense, Mismatch>,
    ) -> Result<Arc<Dense>, Mismatch> {
        match self.layer(name, || Ok(Layer::Dense(Arc::new(pack()?))))? {
            Layer::Dense(layer) => Ok(layer),
            Layer::Depthwise(_) => Err(Mismatch { node: name.to_owned(), reason: "another node has its name" }),
        }
    }

    fn layer(&self, name: &str, pack: impl FnOnce() -> Result<Layer, Mismatch>) -> Result<Layer, Mismatch> {
        // A poisoned lock only means that another thread failed while it packed; the map is whole.
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layer) = layers.get(name) {
            return Ok(layer.clone());
        }
        let layer = pack()?;
        layers.insert(name.to_owned(), layer.clone());
        Ok(layer)
    }
}

/// [outputs, inputs, side, side] to [outputs, side, side, inputs rounded up].
pub(super) fn channels_last(weights: &[f32], inputs: usize, side: usize) -> Vec<f32> {
    let (places, stored) = (side * side, rounded(inputs));
    let mut turned = vec![0.0; weights.len() / inputs * stored];
    for (filter, turned) in weights.chunks_exact(inputs * places).zip(turned.chunks_exact_mut(stored * places)) {
        for (at, weight) in filter.iter().enumerate() {
            turned[at % places * stored + at / places] = *weight;
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::channels_last;

    #[test]
    fn channels_come_together() {
        let turned = channels_last(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 2, 2);
        assert_eq!(turned[..2], [1.0, 5.0]);
        assert_eq!(turned[8..10], [2.0, 6.0]);
        assert_eq!(turned[2..8], [0.0; 6]);
    }
}
