//! The data folder, which outlives a process: its lock, and atomic replacement of its files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// The name of DynamoDB's file.
pub(crate) const DATABASE: &str = "dynamodb.sqlite";

/// A folder that this process has locked until the value is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The system releases the lock when the file is closed, also after a crash.
    _lock: File,
}

impl Folder {
    /// Creates the folder if it does not exist, accessible by its owner only, and locks it.
    ///
    /// # Errors
    /// [`Error::FolderInUse`] if another process has locked it; [`Error::Folder`] if it cannot be created or
    /// written.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        match lock(&path) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::FolderInUse { folder: path }),
            Err(TryLockError::Error(source)) => Err(Error::Folder { folder: path, source }),
        }
    }

    /// DynamoDB's file. It is created here, not by the database, so that only its owner can read it.
    pub(crate) fn database(&self) -> Result<PathBuf, Error> {
        let file = self.path.join(DATABASE);
        match open_private(&file) {
            Ok(_) => Ok(file),
            Err(source) => Err(Error::Folder { folder: self.path.clone(), source }),
        }
    }

    /// KMS's file, which may not exist.
    pub(crate) fn keys(&self) -> PathBuf {
        self.path.join("kms.json")
    }
}

/// Replaces a file atomically: after a crash, and for every reader, the file has either the old content or the new.
/// Only its owner can read the new file.
pub(crate) fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

fn lock(folder: &Path) -> Result<File, TryLockError> {
    make_private(folder).map_err(TryLockError::Error)?;
    let file = open_private(&folder.join("lock")).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn open_private(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a").join("b");
        let first = Folder::open(path.clone()).unwrap();
        assert!(matches!(Folder::open(path.clone()), Err(Error::FolderInUse { folder }) if folder == path));
        drop(first);
        Folder::open(path).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Folder::open(file.path().join("data")), Err(Error::Folder { .. })));
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("kms.json");
        replace(&file, b"one").unwrap();
        replace(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_what_is_written() {
        use std::os::unix::fs::PermissionsExt;

        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path().join("data")).unwrap();
        replace(&folder.keys(), b"{}").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path), 0o700);
        assert_eq!(mode(&folder.keys()), 0o600);
        assert_eq!(mode(&folder.database().unwrap()), 0o600);
    }
}
