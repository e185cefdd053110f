//! Numbered pieces of work as job arrays of Slurm: one task a piece, as a run of a sweep.
//!
//! Tasks that are killed, requeued or submitted again go on from their last checkpoints; a task whose piece is done ends at
//! once.

use crate::atomic;
use crate::error::{LabError, Problem};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to ask of Slurm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Program that does a shard, with its arguments before `--shard` and `--threads`.
    pub program: Vec<String>,
    /// Cores of a task.
    pub cores: usize,
    /// Memory of a task, as Slurm writes it: `2G`.
    pub memory: Option<String>,
    /// Longest time of a task, as Slurm writes it: `01:30:00`.
    pub time: Option<String>,
    /// Most tasks that run at once.
    pub at_most: Option<usize>,
    /// Longest array that the cluster takes; longer ones are split. Slurm's own default is 1001, ids from 0.
    pub longest_array: usize,
    /// Further options of `sbatch`, one each, as on its command line.
    pub options: Vec<String>,
}

/// A script and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Where it lies.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Work that is shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work<'a> {
    /// Folder of the scripts and of their logs.
    pub folder: &'a Path,
    /// What it is: the name of the scripts.
    pub kind: &'a str,
    /// Of what: part of the name of the jobs.
    pub name: &'a str,
    /// Pieces.
    pub pieces: usize,
}

/// Scripts that do these pieces (their numbers from 1, ascending), one for each array.
pub fn scripts(work: &Work<'_>, numbers: &[usize], asked: &Asked) -> Vec<Script> {
    let longest = asked.longest_array.max(2) - 1;
    let mut arrays: Vec<(usize, Vec<usize>)> = Vec::new();
    for &number in numbers {
        let offset = (number - 1) / longest * longest;
        match arrays.last_mut() {
            Some((last, ids)) if *last == offset => ids.push(number - offset),
            _ => arrays.push((offset, vec![number - offset])),
        }
    }
    let several = arrays.len() > 1;
    arrays
        .iter()
        .enumerate()
        .map(|(i, (offset, ids))| {
            let name = if several {
                format!("{}-{}.sbatch", work.kind, i + 1)
            } else {
                format!("{}.sbatch", work.kind)
            };
            Script {
                path: work.folder.join(name),
                text: script(work, *offset, ids, asked),
            }
        })
        .collect()
}

fn script(work: &Work<'_>, offset: usize, ids: &[usize], asked: &Asked) -> String {
    let n = work.pieces;
    let mut text = String::from("#!/bin/bash\n");
    let mut option = |line: String| writeln!(text, "#SBATCH {line}").expect("text grows");
    let plain: String = work
        .name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    option(format!("--job-name=np-{plain}"));
    let at_most = asked.at_most.map(|n| format!("%{n}")).unwrap_or_default();
    option(format!("--array={}{at_most}", ranges(ids)));
    option(format!("--cpus-per-task={}", asked.cores));
    if let Some(memory) = &asked.memory {
        option(format!("--mem={memory}"));
    }
    if let Some(time) = &asked.time {
        option(format!("--time={time}"));
    }
    option(format!(
        "--output={}",
        quoted(&work.folder.join("logs/%A_%a.log").to_string_lossy())
    ));
    option("--open-mode=append".to_owned());
    option("--requeue".to_owned());
    for more in &asked.options {
        option(more.clone());
    }
    // A shell passes no signal on to what it waits for: the program takes its place.
    let program: Vec<String> = asked.program.iter().map(|word| quoted(word)).collect();
    let shard = if offset == 0 {
        "$SLURM_ARRAY_TASK_ID".to_owned()
    } else {
        format!("$((SLURM_ARRAY_TASK_ID + {offset}))")
    };
    writeln!(
        text,
        "exec {} --shard \"{shard}/{n}\" --threads \"${{SLURM_CPUS_PER_TASK:-1}}\"",
        program.join(" "),
    )
    .expect("text grows");
    text
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-%=+:,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Numbers as Slurm writes them: `1-3,7`.
///
/// ```
/// assert_eq!(neuropil_lab::sweep::slurm::ranges(&[1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
/// ```
pub fn ranges(ids: &[usize]) -> String {
    let runs = ids.chunk_by(|a, b| a + 1 == *b);
    let run = |run: &[usize]| match run {
        [one] => one.to_string(),
        run => format!("{}-{}", run[0], run[run.len() - 1]),
    };
    runs.map(run).collect::<Vec<_>>().join(",")
}

/// Writes scripts, and the folder of their logs.
///
/// # Errors
/// The folder cannot be written.
pub fn write(folder: &Path, scripts: &[Script]) -> Result<(), LabError> {
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs).map_err(LabError::io(&logs, "create"))?;
    scripts
        .iter()
        .try_for_each(|script| atomic::write(&script.path, script.text.as_bytes()))
}

/// Submits a script with `sbatch`; returns the array's number.
///
/// # Errors
/// There is no such program, or it refuses: with its own words.
pub fn submit(sbatch: &Path, script: &Script) -> Result<String, Problem> {
    let output = Command::new(sbatch).arg("--parsable").arg(&script.path).output();
    let output = output.map_err(|error| {
        Problem::new(
            format!("cannot start `{}`: {error}", sbatch.display()),
            format!("`{}` is written: submit it where Slurm is", script.path.display()),
        )
    })?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    // A federated cluster answers NUMBER;CLUSTER.
    let number = said.split(';').next().unwrap_or_default();
    if output.status.success() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(number.to_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let words = if words.is_empty() { said } else { words };
    Err(Problem::new(
        format!("sbatch refused {}: {words}", script.path.display()),
        "change the script or the options, and submit it with `sbatch`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(folder: &Path, pieces: usize) -> Work<'_> {
        Work {
            folder,
            kind: "sweep",
            name: "my task",
            pieces,
        }
    }

    fn asked() -> Asked {
        Asked {
            program: vec!["/opt/neuro pil".into(), "sweep".into()],
            cores: 2,
            memory: Some("2G".into()),
            time: None,
            at_most: Some(16),
            longest_array: 1001,
            options: vec!["--partition=long".into()],
        }
    }

    #[test]
    fn a_script_asks_for_what_was_asked_and_lets_the_program_hear_signals() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("it's");
        let mut asked = asked();
        asked.program.push(path.display().to_string());
        let scripts = scripts(&work(&path, 12), &[1, 2, 3, 7], &asked);
        let at = path.display().to_string().replace('\'', r"'\''");
        let expected = format!(
            "#!/bin/bash\n#SBATCH --job-name=np-my-task\n#SBATCH --array=1-3,7%16\n#SBATCH --cpus-per-task=2\n\
             #SBATCH --mem=2G\n#SBATCH --output='{at}/logs/%A_%a.log'\n#SBATCH --open-mode=append\n#SBATCH --requeue\n\
             #SBATCH --partition=long\nexec '/opt/neuro pil' sweep '{at}' --shard \"$SLURM_ARRAY_TASK_ID/12\" \
             --threads \"${{SLURM_CPUS_PER_TASK:-1}}\"\n"
        );
        assert_eq!(scripts[0].text, expected);
    }

    #[test]
    fn arrays_longer_than_the_cluster_takes_are_split() {
        let place = tempfile::tempdir().unwrap();
        let asked = Asked {
            longest_array: 11,
            ..asked()
        };
        let scripts = scripts(&work(place.path(), 25), &(1..=25).collect::<Vec<_>>(), &asked);
        let arrays: Vec<&str> = scripts
            .iter()
            .map(|script| script.text.lines().find(|line| line.contains("--array")).unwrap())
            .collect();
        assert_eq!(
            arrays,
            [
                "#SBATCH --array=1-10%16",
                "#SBATCH --array=1-10%16",
                "#SBATCH --array=1-5%16"
            ]
        );
        assert!(
            scripts[2]
                .text
                .contains("--shard \"$((SLURM_ARRAY_TASK_ID + 20))/25\"")
        );
        assert!(scripts[2].path.ends_with("sweep-3.sbatch"));
    }

    /// With a program in the place of `sbatch` that answers as Slurm does.
    #[cfg(unix)]
    #[test]
    fn what_sbatch_says_is_understood_or_passed_on() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("s");
        let scripts = scripts(&work(&folder, 3), &[1, 2, 3], &asked());
        write(&folder, &scripts).unwrap();
        let fake = place.path().join("sbatch");
        let answer = |text: &str| {
            std::fs::write(&fake, format!("#!/bin/sh\ntest -f \"$2\" || exit 9\n{text}\n")).unwrap();
            std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
            submit(&fake, &scripts[0])
        };
        assert_eq!(answer("echo 4711").unwrap(), "4711");
        assert_eq!(answer("echo '4712;cluster'").unwrap(), "4712");
        let words = answer("echo 'sbatch: error: Invalid partition' >&2; exit 1")
            .unwrap_err()
            .to_string();
        assert!(words.contains("Invalid partition"), "{words}");
        assert!(answer("echo nonsense").is_err());
        let words = submit(&place.path().join("none"), &scripts[0])
            .unwrap_err()
            .to_string();
        assert!(words.contains("is written: submit it where Slurm is"), "{words}");
    }
}
