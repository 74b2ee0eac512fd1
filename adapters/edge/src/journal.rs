//! What a draft has changed so far, in a file that is only appended to.
//!
//! ```text
//! file  = frame*           the first frame is the recipe
//! frame = length  u64      of the body; numbers are little-endian
//!         sum     u32      CRC-32 of the body
//!         body             one `Change`, as MessagePack
//! ```
//!
//! What was written of a frame before the process died does not count, nor does what follows: the
//! next frame is written in its place.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use askbook::error::PortError;
use askbook::manifest::Recipe;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::Directory;
use crate::stored::{StoredEntry, StoredRecipe};

/// How long a frame is before its body.
const HEAD: usize = 12;

/// A change to an index.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Change {
    /// It is an index of this recipe that is changed.
    Recipe(StoredRecipe),
    /// These entries are added, each in place of the one with its id.
    Put(Vec<StoredEntry>),
    /// The entries with these ids are removed.
    Remove(Vec<String>),
}

/// The journal of a draft, locked for as long as it lives.
pub(crate) struct Journal {
    directory: Directory,
    draft: Uuid,
    recipe: Recipe,
    /// `None` before the first change.
    file: Option<File>,
    /// Where the next frame begins.
    end: u64,
}

impl Journal {
    /// An empty journal. There is no file before the first change.
    pub(crate) fn new(directory: Directory, recipe: Recipe) -> Self {
        Self { directory, draft: Uuid::new_v4(), recipe, file: None, end: 0 }
    }

    /// The longest journal of this recipe that was left behind, if any. The directory must be
    /// locked.
    pub(crate) fn interrupted(directory: &Directory, recipe: &Recipe) -> Option<Self> {
        let journals = directory.drafts().into_iter().filter_map(|draft| {
            let file = File::options().read(true).write(true).open(directory.draft(draft)).ok()?;
            file.try_lock().ok()?;
            let length = file.metadata().ok()?.len();
            let (first, end) = read_frame(&mut BufReader::new(&file)).ok()??;
            let Change::Recipe(stored) = first else { return None };
            let same = Recipe::from(stored) == *recipe;
            let (directory, recipe) = (directory.clone(), recipe.clone());
            same.then_some((length, Self { directory, draft, recipe, file: Some(file), end }))
        });
        journals.max_by_key(|(length, _)| *length).map(|(_, journal)| journal)
    }

    /// The name of the draft.
    pub(crate) fn draft(&self) -> Uuid {
        self.draft
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    /// The bytes that were written.
    pub(crate) fn len(&self) -> u64 {
        self.end
    }

    /// Hands over every change in order, and finds the place for the next one.
    pub(crate) fn replay(
        &mut self,
        mut apply: impl FnMut(Change) -> Result<(), PortError>,
    ) -> Result<(), PortError> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        let failed = |error| self.directory.failure("read", error);
        file.rewind().map_err(failed)?;
        let mut reader = BufReader::new(file);
        self.end = 0;
        while let Some((change, length)) = read_frame(&mut reader).map_err(failed)? {
            apply(change)?;
            self.end += length;
        }
        Ok(())
    }

    /// Adds a change: it outlives the process.
    pub(crate) fn append(&mut self, change: &Change) -> Result<(), PortError> {
        if self.file.is_none() {
            // Nobody clears up what they find unlocked in between.
            let _lock = self.directory.lock()?;
            let path = self.directory.draft(self.draft);
            let create = || {
                let file = File::options().read(true).write(true).create_new(true).open(path)?;
                file.lock()?;
                Ok(file)
            };
            self.file = Some(create().map_err(|error| self.directory.failure("write", error))?);
            self.write(&Change::Recipe(self.recipe.clone().into()))?;
        }
        self.write(change)
    }

    fn write(&mut self, change: &Change) -> Result<(), PortError> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        let mut write = || {
            let (head, body) = frame(change)?;
            file.seek(SeekFrom::Start(self.end))?;
            file.write_all(&head)?;
            #[cfg(test)]
            crate::crash::at(match change {
                Change::Recipe(_) => "beginning",
                Change::Put(_) => "putting",
                Change::Remove(_) => "removing",
            });
            file.write_all(&body)?;
            Ok((head.len() + body.len()) as u64)
        };
        self.end += write().map_err(|error| self.directory.failure("write", error))?;
        Ok(())
    }
}

/// A change as it is written: head and body.
fn frame(change: &Change) -> io::Result<([u8; HEAD], Vec<u8>)> {
    let body = rmp_serde::to_vec(change).map_err(io::Error::other)?;
    let mut head = [0; HEAD];
    let (length, sum) = head.split_at_mut(8);
    length.copy_from_slice(&(body.len() as u64).to_le_bytes());
    sum.copy_from_slice(&crc32fast::hash(&body).to_le_bytes());
    Ok((head, body))
}

/// The next frame, with the bytes that it takes; `None` where nothing whole follows.
fn read_frame(reader: &mut impl Read) -> io::Result<Option<(Change, u64)>> {
    let (mut length, mut sum) = ([0; 8], [0; 4]);
    for part in [&mut length[..], &mut sum] {
        match reader.read_exact(part) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
    }
    let length = u64::from_le_bytes(length);
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    if body.len() as u64 != length || crc32fast::hash(&body) != u32::from_le_bytes(sum) {
        return Ok(None);
    }
    let change = rmp_serde::from_slice(&body).ok();
    Ok(change.map(|change| (change, HEAD as u64 + length)))
}
