//! How many connections this process can have: each one is an open file.

use tracing::warn;

/// What upstreams, the index and the rest may need, in files.
const OTHERS: u64 = 256;

/// As many connections as are wanted, or as many as there can be.
///
/// The limit that programs are started with is 1,024 nearly everywhere, for the sake of programs
/// that use `select`; those that need more raise it themselves, to what the owner of the machine
/// allows.
pub(crate) fn connections(wanted: usize) -> usize {
    let files = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let files = match rlimit::increase_nofile_limit(files) {
        Ok(files) => files,
        Err(error) => {
            warn!(%error, "it cannot be found out how many files may be open");
            return wanted;
        }
    };
    let possible = possible(files);
    if possible < wanted {
        warn!(
            connections = possible,
            files,
            "there can be fewer connections than ASKBOOK_MAX_CONNECTIONS: this process may have no \
             more files open (`ulimit -n`, LimitNOFILE)"
        );
    }
    possible.min(wanted)
}

/// With so many files: what others leave, or half where they need more than that.
fn possible(files: u64) -> usize {
    let connections = files.saturating_sub(OTHERS).max(files / 2).max(1);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_other_files_than_connections() {
        assert_eq!(possible(1_280), 1_024);
        assert_eq!(possible(1_024), 768);
        assert_eq!(possible(256), 128);
        assert_eq!(possible(1), 1);
    }

    #[test]
    fn there_are_no_more_connections_than_are_wanted() {
        assert_eq!(connections(1), 1);
        assert!(connections(usize::MAX) < usize::MAX);
    }
}
