//! What a net is made of, found by walking back from its outputs.
//!
//! Start at [`fuse`]. Every function takes an outlet of the graph, and gives the tensor of the new model that holds
//! the same, or why it cannot.

mod ends;
mod residual;
mod start;

use std::collections::HashMap;
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::Mismatch;
use super::graph::{Conv, Graph};
use super::map::Map;
use super::op::{Fused, Step};
use super::steps::{ConvStep, Lateral};
use super::weights::Weights;

/// The net with its parts fused, for the input size it was given.
///
/// # Errors
/// [`Mismatch`] if it is not of an architecture the kernels know.
pub(crate) fn fuse(model: &TypedModel, weights: &Weights) -> Result<TypedModel, Mismatch> {
    let graph = Graph(model);
    let mut fusion = Fusion { graph, weights, model: TypedModel::default(), source: None, done: HashMap::new() };
    fusion.unique_names()?;
    fusion.source()?;
    let outputs = fusion.outputs()?;
    fusion.model.select_output_outlets(&outputs).map_err(|_| whole("its outputs cannot be wired"))?;
    Ok(fusion.model)
}

fn whole(reason: &'static str) -> Mismatch {
    Mismatch { node: "the net".to_owned(), reason }
}

/// A model in the making.
struct Fusion<'a> {
    graph: Graph<'a>,
    weights: &'a Weights,
    model: TypedModel,
    source: Option<OutletId>,
    /// What has been made of which outlet.
    done: HashMap<OutletId, Tensor3>,
}

/// A tensor of the new model.
#[derive(Clone, Copy, Debug)]
struct Tensor3 {
    outlet: OutletId,
    map: Map,
}

impl Fusion<'_> {
    /// Weights are kept by the names of their nodes.
    fn unique_names(&self) -> Result<(), Mismatch> {
        let mut seen = std::collections::HashSet::new();
        let twice = self.graph.0.nodes().iter().find(|node| !seen.insert(node.name.as_str()));
        twice.map_or(Ok(()), |node| Err(Mismatch { node: node.name.clone(), reason: "two nodes have this name" }))
    }

    /// The new model takes what the old one takes.
    fn source(&mut self) -> Result<(), Mismatch> {
        let &[outlet] = self.graph.0.input_outlets().unwrap_or_default() else {
            return Err(whole("it has several inputs"));
        };
        let fact = self.graph.0.outlet_fact(outlet).map_err(|_| whole("its input has no shape"))?.clone();
        let name = self.graph.0.node(outlet.node).name.clone();
        self.source = Some(self.model.add_source(name, fact).map_err(|_| whole("its input cannot be wired"))?);
        Ok(())
    }

    /// Adds a step.
    fn wire(&mut self, name: &str, step: impl Step + 'static, inputs: &[OutletId]) -> Result<TVec<OutletId>, Mismatch> {
        let mismatch = |_| Mismatch { node: name.to_owned(), reason: "it cannot be wired" };
        self.model.wire_node(name, Fused(Arc::new(step)), inputs).map_err(mismatch)
    }

    /// The shape of what an outlet gives.
    fn map(&self, outlet: OutletId) -> Result<Map, Mismatch> {
        let shape = self.graph.shape(outlet).ok_or_else(|| self.graph.mismatch(outlet, "its shape is not known"))?;
        Map::of(&shape).ok_or_else(|| self.graph.mismatch(outlet, "it gives no tensor of one picture"))
    }

    /// A tensor inside the net.
    fn tensor(&mut self, outlet: OutletId) -> Result<Tensor3, Mismatch> {
        if let Some(tensor) = self.done.get(&outlet) {
            return Ok(*tensor);
        }
        let map = self.map(outlet)?;
        let new = self.made(outlet, map)?;
        let tensor = Tensor3 { outlet: new, map };
        self.done.insert(outlet, tensor);
        Ok(tensor)
    }

    fn made(&mut self, outlet: OutletId, map: Map) -> Result<OutletId, Mismatch> {
        let name = self.graph.0.node(outlet.node).name.clone();
        if let Some(pooled) = self.graph.pooled(outlet) {
            return self.pooled_stem(&name, &pooled, map);
        }
        if let Some((a, b)) = self.graph.sum(outlet) {
            return self.lateral(&name, a, b, map);
        }
        let Some(inner) = self.graph.relu(outlet) else {
            return Err(self.graph.mismatch(outlet, "no kernel is known for it here"));
        };
        if self.graph.sum(inner).is_some() {
            return self.residual(&name, inner, map);
        }
        let conv = self.graph.conv(inner).filter(|conv| !conv.depthwise);
        let conv = conv.ok_or_else(|| self.graph.mismatch(inner, "no kernel is known for what is before this ReLU"))?;
        if let Some(planes) = self.planes(conv.input) {
            return self.stem(&name, &conv, planes, inner, None, map);
        }
        let input = self.tensor(conv.input)?;
        let step = self.conv(&conv, input.map, map)?;
        Ok(self.wire(&name, step, &[input.outlet])?[0])
    }

    /// A convolution that gives all of `output`.
    fn conv(&self, conv: &Conv, input: Map, output: Map) -> Result<ConvStep, Mismatch> {
        if !input.holds(output.size(), conv.side, conv.stride, conv.before) {
            return Err(conv.mismatch("its filter reaches further than a border of one pixel"));
        }
        let dense = self.weights.dense(&self.graph, conv)?;
        let (side, stride, before) = (conv.side, conv.stride, conv.before);
        let covered = output.size();
        let isa = self.weights.isa();
        Ok(ConvStep { isa, dense, input, output, covered, side, stride, before, shortcut: None })
    }

    /// `relu(conv(x)) + doubled(y)`, in either order.
    fn lateral(&mut self, name: &str, a: OutletId, b: OutletId, map: Map) -> Result<OutletId, Mismatch> {
        let (fine, coarse) = match (self.graph.doubled(a), self.graph.doubled(b)) {
            (None, Some(coarse)) => (a, coarse),
            (Some(coarse), None) => (b, coarse),
            _ => return Err(self.graph.mismatch(a, "a sum without ReLU of something else than a doubled tensor")),
        };
        let conv = self.graph.relu(fine).and_then(|inner| self.graph.conv(inner)).filter(|conv| !conv.depthwise);
        let conv = conv.ok_or_else(|| self.graph.mismatch(fine, "no convolution and ReLU before this sum"))?;
        let (input, coarse) = (self.tensor(conv.input)?, self.tensor(coarse)?);
        let doubled = Map { width: 2 * coarse.map.width, height: 2 * coarse.map.height, ..coarse.map };
        if doubled != map {
            return Err(conv.mismatch("what is added to it is of another shape"));
        }
        let step = Lateral { conv: self.conv(&conv, input.map, map)?, coarse: coarse.map };
        Ok(self.wire(name, step, &[input.outlet, coarse.outlet])?[0])
    }
}
