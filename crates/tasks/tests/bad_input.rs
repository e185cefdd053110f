//! What a wrong task file says: place, what was found, what was expected, hint.

use neuropil_tasks::registry;
use neuropil_tasks::task::Task;
use proptest::prelude::*;

const RDM: &str = include_str!("../library/rdm.toml");

fn message(from: &str, to: &str) -> String {
    assert!(RDM.contains(from), "`{from}` is not in the file any more");
    Task::parse("mine.toml", &RDM.replacen(from, to, 1), None)
        .expect_err("a bad task")
        .to_string()
}

#[test]
fn every_mistake_names_its_place_and_the_way_out() {
    for (from, to, expected) in [
        ("[factors]", "[factor]", "mine.toml:17:2: unknown field `factor`"),
        (
            "tmax_ms = 2750",
            "tmax_ms = 2000",
            "mine.toml:23:1: epoch `stimulus` can last until 2250 ms, tmax_ms is 2000",
        ),
        (
            "dt_ms = 10",
            "dt_ms = 7",
            "mine.toml:10:9: dt_ms = 7 does not divide tmax_ms = 2750\n  hint: the nearest time steps",
        ),
        (
            "dt_ms = 10",
            "dt_ms = 0",
            "mine.toml:10:9: dt_ms is 0, expected a time step > 0 ms",
        ),
        (
            "dt_ms = 10",
            "dt_ms = 125",
            "mine.toml:10:9: dt_ms = 125 is longer than epoch `stimulus`, which can last only 80 ms",
        ),
        (
            "6.4",
            "640",
            "mine.toml:19:1: coherence 640 is outside 0 to 100 percent",
        ),
        (
            "duration_ms = 750",
            "duration_ms = -750",
            "epochs.fixation.duration_ms can be -750 ms, expected a duration ≥ 0 ms",
        ),
        (
            "duration_ms = 750",
            "duration_ms = 0",
            "epoch `fixation` lasts 0 ms",
        ),
        (
            "LEFT = { during",
            "LEFTT = { during",
            "unknown input `LEFTT`\n  hint: did you mean `LEFT`?",
        ),
        (
            "CHOOSE-LEFT = {",
            "CHOSE-LEFT = {",
            "unknown action `CHOSE-LEFT`\n  hint: did you mean `CHOOSE-LEFT`?",
        ),
        (
            "\"fixation\", \"stimulus\"",
            "\"fixation\", \"stimulos\"",
            "unknown epoch `stimulos`\n  hint: did you mean `stimulus`?",
        ),
        (
            "direction*coherence/100)/2",
            "directon*coherence/100)/2",
            "show.LEFT.mean: `directon` is not known\n  hint: did you mean `direction`?",
        ),
        (
            "\"direction < 0\"",
            "\"direction + 1\"",
            "`direction + 1` is not a condition",
        ),
        (
            "(1 - direction*coherence/100)/2",
            "coherence/0",
            "`coherence/0` is not a finite number",
        ),
        (
            "decision = { duration_ms",
            "decision = { after = \"stimulos\", duration_ms",
            "unknown epoch `stimulos`\n  hint: did you mean `stimulus`?",
        ),
        (
            "stimulus = { duration_ms",
            "stimulus = { after = \"decision\", duration_ms",
            "epochs that wait for one another: stimulus, decision",
        ),
        ("at_least = 0.99", "at_leest = 0.99", "unknown field `at_leest`"),
        (
            "tmax_ms = 2750",
            "tmax_ms = 2750\ncolour = 3",
            ":1: unknown field `colour`",
        ),
        (
            "at_least = 0.99",
            "at_least = 99",
            "expected a fraction from 0 to 1",
        ),
        (
            "trials_per_update = 10",
            "trials_per_update = 0",
            "trials_per_update is 0, expected a whole number from 1 to 1000000",
        ),
        (
            "noise = 0.01",
            "noise = -0.01",
            "show.LEFT.noise is -0.01, expected a variance ≥ 0",
        ),
        (
            "inputs = [\"FIXATION\", \"LEFT\"",
            "inputs = [\"LEFT\", \"LEFT\"",
            "`LEFT` is listed twice",
        ),
    ] {
        let found = message(from, to);
        assert!(found.starts_with("mine.toml"), "no place in: {found}");
        assert!(
            found.contains(expected),
            "`{from}` → `{to}`\n found: {found}\n expected: {expected}"
        );
    }
}

#[test]
fn a_task_that_pays_nothing_is_refused() {
    let text = RDM
        .replace(
            "correct = \"direction < 0\"",
            "correct = \"direction < 0\", reward = -1",
        )
        .replace(
            "correct = \"direction > 0\"",
            "correct = \"direction > 0\", reward = -1",
        );
    let error = Task::parse("mine.toml", &text, None)
        .expect_err("nothing to learn")
        .to_string();
    assert!(
        error.contains("no action ever earns more than an abort"),
        "{error}"
    );
}

#[test]
fn an_unknown_task_gets_the_nearest_name() {
    let error = registry::find("multisensorry", None)
        .expect_err("unknown")
        .to_string();
    assert!(
        error.contains("unknown task `multisensorry`") && error.contains("did you mean `multisensory`?"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_text_makes_the_loader_panic(at in 0..RDM.len(), cut in 0_usize..30, insert in "[ -~\n]{0,12}") {
        let bytes = RDM.as_bytes();
        let mut text = bytes[..at].to_vec();
        text.extend(insert.as_bytes());
        text.extend(&bytes[(at + cut).min(bytes.len())..]);
        if let Ok(text) = String::from_utf8(text) {
            let _ = Task::parse("mine.toml", &text, None);
        }
    }
}
