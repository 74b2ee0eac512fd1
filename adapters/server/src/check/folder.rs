//! The data folder: whether it can be written to.

use std::fs;
use std::io;
use std::path::Path;

use super::Finding;

const CODE: &str = "data-folder";

/// Writes a file for a moment; into the closest folder above where there is none yet. `needed`
/// says that nothing goes without it.
pub(super) fn finding(folder: &Path, needed: bool) -> Finding {
    let shown = folder.display();
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = absolute.ancestors().find(|path| path.exists()).unwrap_or(&absolute);
    match write_into(there) {
        Ok(()) if there == absolute => Finding::ok(CODE, format!("{shown} can be written to")),
        Ok(()) => Finding::ok(CODE, format!("{shown} is not there yet and can be made")),
        Err(error) => {
            let what = format!("{shown} cannot be written to ({})", error.kind());
            let advice = "set ASKBOOK_DATA_DIR to a folder that this user may write to";
            if needed {
                Finding::error(CODE, what, advice)
            } else {
                Finding::warning(CODE, what, advice)
            }
        }
    }
}

fn write_into(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!("askbook-check-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_folder_is_tried_out_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let there = finding(folder.path(), true);
        assert_eq!(there.level, Level::Ok, "{there}");
        let not_yet = finding(&folder.path().join("a/b"), true);
        assert!(not_yet.what.contains("can be made"), "{not_yet}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_no_folder_to_write_to() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (needed, level) in [(true, Level::Error), (false, Level::Warning)] {
            let finding = finding(&file.path().join("data"), needed);
            assert_eq!(finding.level, level, "{finding}");
            assert!(finding.advice.unwrap().contains("ASKBOOK_DATA_DIR"));
        }
    }
}
