//! Tasks that say only what differs from another one.

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
    let after: Vec<Option<usize>> = task.epochs.iter().map(|epoch| epoch.after).collect();
    assert_eq!(after, [None, Some(0), Some(1), Some(2)]);
}
