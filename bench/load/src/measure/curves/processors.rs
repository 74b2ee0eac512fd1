//! Which processors askbook is on, and which are left to readers and stand-ins.

use std::process::{Command, Stdio, id};
use std::thread;

use crate::program::within;

/// askbook has processors of its own, and this process the others, until it is dropped.
pub(super) struct Apart {
    own: String,
    all: String,
}

impl Apart {
    /// With the first processors for askbook; `None` where none would be left, or there is no
    /// `taskset`.
    pub(super) fn with(own: usize) -> anyhow::Result<Option<Self>> {
        let there = thread::available_parallelism()?.get();
        if there <= own {
            return Ok(None);
        }
        let [own, others, all] =
            [(0, own), (own, there), (0, there)].map(|(from, to)| format!("{from}-{}", to - 1));
        Ok(keep_to(&others).then_some(Self { own, all }))
    }

    /// A program on the processors that are set apart.
    pub(super) fn of(&self, program: &Command) -> Command {
        let mut taskset = Command::new("taskset");
        taskset.args(["--cpu-list", &self.own]);
        within(taskset, program)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        keep_to(&self.all);
    }
}

/// Keeps this process, all its threads and those that they start, to processors.
fn keep_to(processors: &str) -> bool {
    let mut taskset = Command::new("taskset");
    taskset.args(["--all-tasks", "--cpu-list", "--pid", processors, &id().to_string()]);
    let status = taskset.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
