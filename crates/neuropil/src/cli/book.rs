//! Every command of the book is read as the program would read it.

use super::Cli;
use clap::Parser;
use std::path::PathBuf;

/// Commands of a chapter: lines of code that begin with the program, up to a pipe or the next command.
fn commands(chapter: &str) -> Vec<String> {
    let whole = chapter.replace("\\\n", " ");
    let mut fenced = false;
    let code = whole.lines().filter_map(move |line| {
        fenced ^= line.starts_with("```");
        let indented = line.strip_prefix("    ");
        let line = indented.or(line.strip_prefix("$ ")).unwrap_or(line);
        (line.starts_with("neuropil ") && (fenced || indented.is_some())).then_some(line)
    });
    let is_meant = |line: &&str| !line.contains('…') && !line.ends_with("# fails");
    code.filter(is_meant)
        .map(|line| {
            line.split([';', '|', '>', '&'])
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .collect()
}

#[test]
fn every_command_of_the_book_is_understood() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let chapters = std::fs::read_dir(root.join("docs")).expect("the book");
    let mut chapters: Vec<PathBuf> = chapters.map(|entry| entry.expect("a chapter").path()).collect();
    chapters.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    chapters.push(root.join("README.md"));
    let (mut n, mut wrong) = (0, Vec::new());
    for chapter in &chapters {
        let text = std::fs::read_to_string(chapter).expect("text");
        for command in commands(&text) {
            let words = shlex::split(&command).unwrap_or_else(|| panic!("{command}"));
            n += 1;
            if let Err(error) = Cli::try_parse_from(words)
                && error.use_stderr()
            {
                wrong.push(format!("{}: {command}\n{error}", chapter.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n > 80, "{n} commands");
}
