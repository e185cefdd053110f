//! Who is this neuron? Names and tracks for point clouds of C. elegans (Yu, Creamer, Randi, Sharma, Linderman & Leifer,
//! eLife 10:e66410, 2021).
//!
//! A transformer looks at two worms at once, a template with names and a test worm, and says for each test neuron with what
//! probability it is each template neuron, or none. It is trained on worms that are made by deforming others, knows
//! positions only, and needs neither straightening nor axes.
//!
//! ```
//! use neuropil_math::rng::Key;
//! use neuropil_neuronid::decide::{Outliers, Scores};
//! use neuropil_neuronid::network::{Encoder, Network, Shape};
//! use neuropil_neuronid::worm::Worm;
//!
//! let template = Worm {
//!     points: vec![[0.0, 0.0, 0.0], [8.0, 2.0, 1.0], [15.0, -3.0, 2.0]],
//!     names: vec!["ASEL".into(), "AVAL".into(), "RID".into()],
//!     ..Worm::default()
//! };
//! let network = Network::<f32>::draw(Shape { width: 16, layers: 1, heads: 4, hidden: 32, encoder: Encoder::Joint }, Key::new(1));
//! let log_p = network.ready().match_one(&template.normalised(), &template.normalised());
//! let scores = Scores { values: &log_p, n_template: 3 };
//! assert_eq!(scores.decide(Outliers::None)?.len(), 3);
//! # Ok::<(), neuropil_neuronid::error::NeuronidError>(())
//! ```

pub mod assign;
pub mod atlas;
pub mod checkpoint;
pub mod colour;
pub mod cpd;
pub mod decide;
pub mod error;
pub mod evaluate;
pub mod frame;
pub mod icp;
pub mod identify;
pub mod line;
pub mod loss;
pub mod names;
pub mod network;
pub mod read;
mod reproduce;
pub mod stream;
pub mod synth;
pub mod system;
pub mod track;
pub mod train;
pub mod worm;
pub mod yu2021;
