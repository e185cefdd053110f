//! Which enhancers go with a trait? From open chromatin to the differences between genomes behind brain traits
//! (Kaplow et al. 2023, Science 380, eabm7993).
//!
//! Activity of a candidate enhancer cannot be measured in hundreds of species; it is predicted from sequence, and the
//! predictions are related to a trait by regression along the species tree, with a null distribution from traits that
//! evolved along the same tree.
//!
//! ```
//! use neuropil_enhancers::phylo::{Covariance, Gaussian};
//! use neuropil_enhancers::tree::Tree;
//!
//! let tree = Tree::parse("((((mouse:12,rat:12):62,rabbit:74):8,(human:27,macaque:27):55):9,cow:91);")?;
//! let activity = [0.9, 0.8, 0.7, 0.2, 0.3, 0.6];
//! let brain = [-0.3, -0.2, -0.2, 0.8, 0.5, 0.0];
//! let design: Vec<f64> = activity.iter().flat_map(|&x| [1.0, x]).collect();
//! let fit = Gaussian::new(Covariance::Brownian).fit(&tree, &design, &brain)?;
//! assert!(fit.coefficients[1] < 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod aliases;
pub mod associate;
pub mod calibrate;
pub mod cnn;
pub mod error;
pub mod evaluate;
pub mod fasta;
pub mod figures;
pub mod genes;
pub mod kaplow2023;
pub mod learning;
pub mod logo;
pub mod matrix;
pub mod metrics;
pub mod model;
pub mod motifs;
pub mod names;
pub mod near;
pub mod orthologs;
pub mod peaks;
pub mod phylo;
pub mod prepare;
pub mod report;
mod reproduce;
pub mod run;
pub mod sequence;
pub mod settings;
pub mod simulate;
pub mod system;
pub mod table;
pub mod text;
pub mod traits;
pub mod tree;
pub mod windows;
