//! Text files as they come: gzip or not, of one member or many, with or without a byte order mark.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::InputError;
use neuropil_lab::file::with_line_feeds;

/// Largest text that is read into memory; more than any table or peak file, less than would exhaust a laptop.
const LARGEST: u64 = 4 << 30;

/// Reads a text file; gzip is recognised by its first bytes and read to its last member.
///
/// # Errors
/// A file that cannot be read, is cut short, is not text in UTF-8, UTF-16 or Latin-1, or unpacks to more than 4 GiB.
pub fn read_to_string(path: &Path) -> Result<String, InputError> {
    let fault = |message: String| InputError::new(message).in_file(path);
    let mut file = std::fs::File::open(path).map_err(|error| fault(format!("cannot read: {error}")))?;
    let mut start = [0; 2];
    let n = file
        .read(&mut start)
        .map_err(|error| fault(format!("cannot read: {error}")))?;
    let all = std::io::Cursor::new(start[..n].to_vec()).chain(file);
    let gzip = n == 2 && start == [0x1f, 0x8b];
    let mut bytes = Vec::new();
    let read = if gzip {
        MultiGzDecoder::new(all).take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        all.take(LARGEST + 1).read_to_end(&mut bytes)
    };
    read.map_err(|error| {
        let what = if gzip {
            "the gzip stream is damaged or cut short"
        } else {
            "cannot read"
        };
        fault(format!("{what}: {error}"))
    })?;
    if bytes.len() as u64 > LARGEST {
        return Err(fault("the file holds more than 4 GiB of text".into()));
    }
    decode(bytes).map_err(|message| fault(message.into()))
}

fn decode(bytes: Vec<u8>) -> Result<String, &'static str> {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units = bytes[2..].as_chunks::<2>().0.iter().map(|&pair| unit(pair));
        let text = char::decode_utf16(units).collect::<Result<String, _>>();
        text.map(with_line_feeds)
            .map_err(|_| "the file is damaged UTF-16")
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => return wide(u16::from_le_bytes),
        Some([0xfe, 0xff]) => return wide(u16::from_be_bytes),
        _ => {}
    }
    if bytes.iter().take(4096).any(|&byte| byte == 0) {
        return Err("the file is binary, expected text");
    }
    // What is not UTF-8 is taken as Latin-1, in which every byte is a letter.
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().iter().map(|&byte| char::from(byte)).collect());
    Ok(with_line_feeds(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }))
}

/// Lines with their numbers, counted from 1, without line ends of either kind.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim_end_matches('\r')))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_member_of_a_gzip_file_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.gz");
        let mut bytes = Vec::new();
        for part in ["one\n", "two\n"] {
            let mut writer = flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::fast());
            writer.write_all(part.as_bytes()).expect("memory");
        }
        std::fs::write(&path, &bytes).expect("a file");
        assert_eq!(read_to_string(&path).expect("text"), "one\ntwo\n");
        std::fs::write(&path, &bytes[..bytes.len() - 6]).expect("a file");
        assert!(
            read_to_string(&path)
                .expect_err("cut")
                .to_string()
                .contains("cut short")
        );
    }

    #[test]
    fn marks_and_encodings() {
        assert_eq!(decode(b"\xef\xbb\xbfa".to_vec()), Ok("a".into()));
        assert_eq!(decode(b"M\xfcnchen".to_vec()), Ok("M\u{fc}nchen".into()));
        assert_eq!(decode(b"\xff\xfea\0\r\0b\0".to_vec()), Ok("a\nb".into()));
        assert_eq!(decode(b"a\rb\r".to_vec()), Ok("a\nb\n".into()));
        assert!(decode(b"a\0".to_vec()).is_err());
    }
}
