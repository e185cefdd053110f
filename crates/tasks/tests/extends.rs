//! Tasks that say only what differs from another one.

use neuropil_math::rng::{Key, Purpose};
use neuropil_tasks::task::Task;

#[test]
fn a_new_epoch_may_come_before_an_inherited_one() {
    let text = r#"
        extends = "rdm"
        name = "dots-with-delay"
        [epochs]
        delay = { after = "stimulus", duration_ms = 200 }
        decision = { after = "delay", duration_ms = 500 }
    "#;
    let task = Task::parse("mine.toml", text, None).unwrap();
    let names: Vec<&str> = task.epochs.iter().map(|epoch| epoch.name.as_str()).collect();
    assert_eq!(names, ["fixation", "stimulus", "delay", "decision"]);
    let key = Key::new(1);
    for number in 0..20 {
        let trial = task.draw(&mut key.stream(Purpose::Condition, number));
        let (stimulus, decision) = (trial.epochs[1].expect("shown"), trial.epochs[3].expect("reached"));
        assert_eq!(decision.0, stimulus.1 + 20, "200 ms in steps of 10");
    }
}
