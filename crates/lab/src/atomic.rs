//! Files written whole or not at all.

use crate::error::LabError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// End of the names of files that are being written.
const WRITING: &str = ".writing";

/// Writes `bytes` to `path`: to a temporary file beside it first, then renamed over it.
///
/// Whatever happens on the way, `path` holds either its old content or the new one. A symbolic link is followed, and
/// what is no regular file (a terminal, a pipe) is written into: only files are replaced. The umask decides who may
/// read a new file; a replaced one keeps its permissions.
///
/// # Errors
/// The folder is missing or not writable, the disk is full.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), LabError> {
    try_write(path, bytes).map_err(LabError::io(path, "write"))
}

fn try_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Of our own streams the system's names lead to files that others write as well: no replacing those.
    match path.to_str() {
        Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => return io::stdout().write_all(bytes),
        Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => return io::stderr().write_all(bytes),
        _ => {}
    }
    let target = target(path)?;
    match fs::metadata(&target) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => File::options().write(true).open(&target)?.write_all(bytes),
        Ok(there) => replace(&target, bytes, Some(there.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(&target, bytes, None),
        Err(error) => Err(error),
    }
}

/// Where a symbolic link leads, also if nothing is there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40; // as the system's own limit
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_symlink() && !fs::metadata(&path).is_ok_and(|end| !end.is_file()) => {
                let next = fs::read_link(&path)?;
                path = folder_of(&path).join(next);
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn replace(path: &Path, bytes: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let folder = folder_of(path);
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    prefix.push("-");
    remove_abandoned(folder, Some(&prefix));
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(WRITING);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666)); // less the umask
    }
    let mut file = builder.tempfile_in(folder)?;
    let _ = file.as_file().try_lock(); // tells others that its writer is alive, where the system knows locks
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Removes files that a killed writer left in a folder; with a prefix, only those.
pub(crate) fn remove_abandoned(folder: &Path, prefix: Option<&std::ffi::OsStr>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let ours = match prefix {
            Some(prefix) => name.starts_with(prefix.as_encoded_bytes()) && name.ends_with(WRITING.as_bytes()),
            // The second form is that of versions before 0.2.
            None => {
                name.starts_with(b".") && name.ends_with(WRITING.as_bytes())
                    || name.starts_with(b".writing-") && name.ends_with(b".tmp")
            }
        };
        if ours && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path()); // left behind, it does no harm
        }
    }
}

/// Makes what was renamed in a folder last through a loss of power, where the system can.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Content of a file; none if there is no such file.
///
/// # Errors
/// It is there and cannot be read.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, LabError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LabError::io(path, "read")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_keeps_the_old_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        fs::create_dir(folder.path().join("taken")).unwrap();
        fs::write(folder.path().join("taken/x"), b"").unwrap();
        assert!(write(&folder.path().join("taken"), b"no").is_err());
        assert!(write(&folder.path().join("missing/a.txt"), b"no").is_err());
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 2, "temporary files are removed");
    }

    #[test]
    fn what_a_killed_writer_left_goes_with_the_next_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let (left, other) = (
            folder.path().join(".a.txt-Xy12ab.writing"),
            folder.path().join(".b.txt-Xy12ab.writing"),
        );
        fs::write(&left, b"ha").unwrap();
        fs::write(&other, b"ha").unwrap();
        let alive = folder.path().join(".a.txt-zzzzzz.writing");
        let writer = File::create(&alive).unwrap();
        writer.lock().unwrap();
        write(&path, b"whole").unwrap();
        assert!(!left.exists(), "its writer is gone");
        assert!(other.exists(), "another file's is not ours to judge");
        assert!(alive.exists(), "its writer lives");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_pipes_written_into_and_permissions_kept() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.txt"), folder.path().join("link"));
        write(&file, b"old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        symlink("a.txt", &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let dangling = folder.path().join("dangling");
        symlink("made", &dangling).unwrap();
        write(&dangling, b"there").unwrap();
        assert_eq!(fs::read(folder.path().join("made")).unwrap(), b"there");
        let circle = folder.path().join("circle");
        symlink("circle", &circle).unwrap();
        assert!(write(&circle, b"").is_err());

        write(Path::new("/dev/null"), b"gone").unwrap();
        assert!(
            !fs::metadata("/dev/null").unwrap().is_file(),
            "devices are not replaced"
        );
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || fs::read(pipe).unwrap())
        };
        write(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
    }
}
