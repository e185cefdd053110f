//! Files written whole or not at all.

use crate::error::LabError;
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to `path`: to a temporary file beside it first, then renamed over it.
///
/// Whatever happens on the way, `path` holds either its old content or the new one.
///
/// # Errors
/// The folder is missing or not writable, the disk is full.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), LabError> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".writing-")
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(LabError::io(path, "write"))?;
    file.write_all(bytes).map_err(LabError::io(path, "write"))?;
    file.as_file().sync_all().map_err(LabError::io(path, "write"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o644); // temporary files are private by default
        file.as_file()
            .set_permissions(mode)
            .map_err(LabError::io(path, "write"))?;
    }
    file.persist(path)
        .map_err(|error| LabError::io(path, "write")(error.error))?;
    Ok(())
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
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        std::fs::create_dir(folder.path().join("taken")).unwrap();
        std::fs::write(folder.path().join("taken/x"), b"").unwrap();
        assert!(write(&folder.path().join("taken"), b"no").is_err());
        assert!(write(&folder.path().join("missing/a.txt"), b"no").is_err());
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            2,
            "temporary files are removed"
        );
    }
}
