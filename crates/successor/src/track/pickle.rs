//! The labels that pandas keeps as a pickle: text, lists and tuples of protocol 0, nothing that could run.

/// A label, or labels within labels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Label {
    Text(String),
    Several(Vec<Label>),
    Mark,
    Other,
}

/// Reads a pickle of protocol 0 that holds text, numbers, lists and tuples; `None` for anything else.
pub(crate) fn labels(text: &str) -> Option<Label> {
    let bytes = text.as_bytes();
    let (mut stack, mut memo): (Vec<Label>, Vec<(String, Label)>) = (Vec::new(), Vec::new());
    let mut at = 0;
    let line = |at: &mut usize| -> Option<String> {
        let rest = &bytes[*at..];
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        *at += end + 1;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    };
    while at < bytes.len() {
        let operation = bytes[at];
        at += 1;
        match operation {
            b'(' => stack.push(Label::Mark),
            b'l' | b't' => {
                let mark = stack.iter().rposition(|label| *label == Label::Mark)?;
                let items = stack.split_off(mark + 1);
                stack.pop();
                stack.push(Label::Several(items));
            }
            b'p' => {
                let key = line(&mut at)?;
                memo.push((key, stack.last()?.clone()));
            }
            b'g' => {
                let key = line(&mut at)?;
                stack.push(memo.iter().rev().find(|(known, _)| *known == key)?.1.clone());
            }
            b'a' => {
                let item = stack.pop()?;
                match stack.last_mut()? {
                    Label::Several(items) => items.push(item),
                    _ => return None,
                }
            }
            b'V' => stack.push(Label::Text(line(&mut at)?)),
            b'S' => stack.push(Label::Text(line(&mut at)?.trim_matches(['\'', '"']).to_owned())),
            b'I' | b'L' | b'F' => {
                line(&mut at)?;
                stack.push(Label::Other);
            }
            b'N' => stack.push(Label::Other),
            b'.' => return stack.pop(),
            _ => return None,
        }
    }
    None
}

/// The tuples of labels of the columns: `(0-based axis, [(scorer, part, coordinate), …])` within a list.
pub(crate) fn column_labels(text: &str) -> Option<Vec<Vec<String>>> {
    let Label::Several(axes) = labels(text)? else {
        return None;
    };
    let Label::Several(axis) = axes.into_iter().next()? else {
        return None;
    };
    let Label::Several(columns) = axis.into_iter().nth(1)? else {
        return None;
    };
    columns
        .into_iter()
        .map(|column| match column {
            Label::Several(labels) => labels
                .into_iter()
                .map(|label| match label {
                    Label::Text(text) => Some(text),
                    _ => None,
                })
                .collect(),
            Label::Text(text) => Some(vec![text]),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_and_programs_are_not() {
        let text = "(lp1\n(I1\n(lp2\n(VDLC\np3\nVsnout\np4\nVx\np5\ntp6\na(g3\ng4\nVy\np7\ntp8\natp9\na.";
        let read = column_labels(text).unwrap();
        assert_eq!(read, [["DLC", "snout", "x"], ["DLC", "snout", "y"]]);
        assert_eq!(labels("cos\nsystem\n(S'ls'\ntR."), None);
        assert_eq!(labels("(l"), None);
    }
}
