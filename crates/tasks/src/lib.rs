//! What an animal is asked: trials as tables, tasks as TOML, interactive environments.
//!
//! A task is data. Its TOML file names factors, epochs, what the inputs show and what actions earn; a trial
//! compiles, once, to a table of what holds in each step. The published tasks are files of the same kind.
//!
//! ```
//! use neuropil_math::rng::{Key, Purpose};
//!
//! let task = neuropil_tasks::registry::find("rdm", None)?;
//! let trial = task.draw(&mut Key::new(1).stream(Purpose::Condition, 0));
//! assert_eq!(trial.n_steps, 276);
//! assert_eq!(trial.row_at(10).inputs, [1.0, 0.0, 0.0]); // fixation cue alone
//! assert_eq!(trial.row_at(10).outcomes[1].reward, -1.0); // choosing now aborts
//! # Ok::<(), neuropil_lab::error::Problem>(())
//! ```

pub mod block;
pub mod definition;
pub mod environment;
mod event;
mod expand;
pub mod expr;
mod law;
mod load;
pub mod performance;
pub mod quantity;
pub mod registry;
pub mod round;
pub mod session;
mod table;
pub mod tally;
pub mod task;
pub mod trial;
pub mod world;

/// JSON Schema of task files, for editors.
pub fn schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(definition::Definition);
    // What a file leaves out comes from the task that it extends, or from its world.
    schema.insert("required".to_owned(), serde_json::json!(["name"]));
    schema
}
