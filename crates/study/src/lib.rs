//! What joins the tools: the life of a run, results that can be told, claims of papers.
//!
//! A [`System`] lists its experiments and opens them as [`Job`]s. A job trains, tests, analyses and writes a page;
//! [`life`] carries it from its settings to its report, whatever it is. Results are plain structs that [`Tell`]
//! themselves: serde makes their JSON, they say their sentences, their table and their figures. A reproduction is a
//! list of [`Claim`]s over such results. No system's word is in here, and nothing is printed.
//!
//! ```
//! use neuropil_study::{Band, Claim, Found, Verdict};
//!
//! let claim = Claim::new(
//!     "Fig. 2",
//!     "neurons in the feedforward order",
//!     "82 %",
//!     Band::between(0.80, 0.84),
//!     Found::one(0.817),
//! );
//! assert_eq!(claim.verdict(), Verdict::InBand);
//! assert_eq!(claim.here(), "0.817");
//! ```

mod claim;
pub mod compare;
mod job;
mod library;
pub mod life;
mod reproduction;
mod summary;
pub mod sweep;
mod system;
mod tell;

pub use claim::{Band, Claim, Found, Verdict, claims_markdown, claims_table};
pub use job::{Export, ExportForm, Flow, Job, News, Unwatched, Watch};
pub use library::{Library, Shipped};
pub use neuropil_lab::table::{Column, Table};
pub use reproduction::{Asked, Reproduced};
pub use summary::{Measure, Summary};
pub use system::{Given, Listed, System, experiment_of};
pub use tell::{Analysed, Answer, Origin, Shown, Tell};
