//! Tasks that say only what differs from another one.

use neuropil_math::rng::{Key, Purpose};
use neuropil_tasks::task::Task;

#[test]
fn a_new_epoch_may_come_before_an_inherited_one() {
    let text = r#"
        extends = "rdm"
        name = "dots-with-delay"
        tmax_ms = 3050
        [epochs]
        delay = { after = "stimulus", duration_ms = 200 }
        decision = { after = "delay", duration_ms = 500 }
    "#;
    let task = Task::parse("mine.toml", text, None).unwrap();
    let names: Vec<&str> = task.epochs.iter().map(|epoch| epoch.name.as_str()).collect();
    assert_eq!(names, ["fixation", "stimulus", "delay", "decision"]);
    let trial = task.draw(&mut Key::new(1).stream(Purpose::Condition, 0));
    let epochs: Vec<(usize, usize)> = trial.epochs.iter().flatten().copied().collect();
    assert_eq!((epochs.len(), epochs[2].1 - epochs[2].0), (4, 20));
    assert!(epochs.windows(2).all(|pair| pair[0].1 == pair[1].0), "{epochs:?}");
}
