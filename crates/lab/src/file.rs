//! The content of a file: whole, unpacked, and as text.

use crate::error::LabError;
use crate::memory;
use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Whether bytes are those of a gzip file, whatever its name is.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The bytes of a file, unpacked if they are gzip, of any number of members.
///
/// # Errors
/// A file that cannot be read or unpacked, or that is larger than [`memory::limit`].
pub fn bytes(path: &Path) -> Result<Vec<u8>, LabError> {
    let file = std::fs::File::open(path).map_err(LabError::io(path, "read"))?;
    if file.metadata().is_ok_and(|about| about.is_dir()) {
        return Err(LabError::place(path, 0, "", "a folder", "a file"));
    }
    let packed = whole(path, file, "read")?;
    if is_gzip(&packed) {
        unpacked(path, &packed)
    } else {
        Ok(packed)
    }
}

/// What gzip bytes unpack to.
pub(crate) fn unpacked(path: &Path, packed: &[u8]) -> Result<Vec<u8>, LabError> {
    whole(path, flate2::read::MultiGzDecoder::new(packed), "unpack")
}

/// All that a reader gives, up to the limit.
///
/// # Errors
/// A reader that fails (`doing` says at what), or gives more than [`memory::limit`].
pub fn whole(path: &Path, reader: impl Read, doing: &'static str) -> Result<Vec<u8>, LabError> {
    let limit = memory::limit();
    let mut bytes = Vec::new();
    let mut reader = reader.take(limit.saturating_add(1));
    reader
        .read_to_end(&mut bytes)
        .map_err(LabError::io(path, doing))?;
    if bytes.len() as u64 > limit {
        return Err(memory::over(
            path,
            &format!("more than {} when unpacked", memory::text(limit as f64)),
        ));
    }
    Ok(bytes)
}

/// Entries that the table of contents of a zip archive announces: readers keep one of each name.
///
/// `None` where there is no such table or it has too many entries to count in it.
pub fn zip_entries<R: Read + Seek>(reader: &mut R) -> Option<usize> {
    const LONGEST: u64 = 65_557; // the record with the longest comment
    let size = reader.seek(SeekFrom::End(0)).ok()?;
    reader.seek(SeekFrom::Start(size.saturating_sub(LONGEST))).ok()?;
    let mut end = Vec::new();
    reader.take(LONGEST).read_to_end(&mut end).ok()?;
    reader.seek(SeekFrom::Start(0)).ok()?;
    let at = end.windows(4).rposition(|word| word == b"PK\x05\x06")?;
    let count = end.get(at + 10..at + 12)?;
    let count = u16::from_le_bytes([count[0], count[1]]);
    (count != u16::MAX).then_some(usize::from(count))
}

/// The text of a file, unpacked, without its byte-order mark.
///
/// # Errors
/// As [`bytes`], or bytes that are no text: names the line.
pub fn text(path: &Path) -> Result<String, LabError> {
    decode(path, bytes(path)?)
}

/// Bytes as text: UTF-8, or UTF-16 with a byte-order mark.
///
/// # Errors
/// Bytes that are neither: names the line.
pub fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, LabError> {
    let wide = match bytes.get(..2) {
        Some([0xff, 0xfe]) => Some(u16::from_le_bytes as fn([u8; 2]) -> u16),
        Some([0xfe, 0xff]) => Some(u16::from_be_bytes as fn([u8; 2]) -> u16),
        _ => None,
    };
    if let Some(unit) = wide {
        let (units, rest) = bytes[2..].as_chunks::<2>();
        let text = char::decode_utf16(units.iter().map(|&pair| unit(pair))).collect::<Result<String, _>>();
        return match (text, rest.is_empty()) {
            (Ok(text), true) => Ok(with_line_feeds(text)),
            _ => Err(LabError::place(path, 0, "", "damaged UTF-16", "text")),
        };
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
        LabError::place(path, line, "", "bytes that are not UTF-8", "text").hint("save the file as UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if let Some(at) = text.bytes().position(|byte| byte == 0) {
        let line = text.as_bytes()[..at]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        return Err(LabError::place(path, line, "", "a byte 0", "text"));
    }
    Ok(with_line_feeds(text))
}

/// Text whose lines end in carriage returns alone, as old spreadsheets write them, with line feeds in their place.
pub fn with_line_feeds(text: String) -> String {
    if text.contains('\r') && !text.contains('\n') {
        text.replace('\r', "\n")
    } else {
        text
    }
}

/// A cell or name as it may be shown in a message: without control characters, and not too long.
pub fn shown(text: &str) -> Cow<'_, str> {
    const MOST: usize = 60;
    if text.len() <= MOST && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn gzip_is_known_by_content_and_all_its_members_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain.csv");
        std::fs::write(&path, [gzip(b"a,b\n"), gzip(b"1,2\n")].concat()).unwrap();
        assert_eq!(text(&path).unwrap(), "a,b\n1,2\n");
        std::fs::write(&path, &gzip(b"a,b\n1,2\n")[..20]).unwrap();
        assert!(text(&path).unwrap_err().to_string().contains("cannot unpack"));
    }

    #[test]
    fn text_is_utf_8_or_utf_16_with_a_mark() {
        let path = Path::new("t.txt");
        assert_eq!(decode(path, b"\xef\xbb\xbfid\n".to_vec()).unwrap(), "id\n");
        let wide = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            mark.into_iter()
                .chain("µm\n".encode_utf16().flat_map(bytes))
                .collect()
        };
        assert_eq!(
            decode(path, wide([0xff, 0xfe], u16::to_le_bytes)).unwrap(),
            "µm\n"
        );
        assert_eq!(
            decode(path, wide([0xfe, 0xff], u16::to_be_bytes)).unwrap(),
            "µm\n"
        );
        let words = |bytes: &[u8]| decode(path, bytes.to_vec()).unwrap_err().to_string();
        assert!(words(b"a\nb\xe4\n").starts_with("t.txt:2: bytes that are not UTF-8, expected text"));
        assert!(words(b"a\n\nb\0c").starts_with("t.txt:3: a byte 0, expected text"));
        assert!(words(b"\xff\xfea").contains("damaged UTF-16"));
    }
}
