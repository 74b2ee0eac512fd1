//! `askbook pause` and `askbook resume`.

use anyhow::Context as _;

use super::print;
use crate::config::Config;
use crate::wiring;

/// Pauses all calls that cost money.
pub(super) fn pause(config: &Config, reason: &str) -> anyhow::Result<()> {
    let switch = wiring::pause_switch(config);
    let path = switch.path().display();
    switch.pause(reason).with_context(|| {
        format!(
            "cannot write {path}: name the ASKBOOK_DATA_DIR of the server, and see that this \
                 user may write there"
        )
    })?;
    print(format_args!(
        "paused by {path}: a server with this ASKBOOK_DATA_DIR answers without Gemini until \
         `askbook resume`\n"
    ))
}

/// Lets them be made again.
pub(super) fn resume(config: &Config) -> anyhow::Result<()> {
    let switch = wiring::pause_switch(config);
    let path = switch.path().display();
    let resumed = switch.resume().with_context(|| {
        format!("cannot remove {path}: see that this user may write to its folder")
    })?;
    if resumed {
        return print(format_args!("resumed: {path} is removed\n"));
    }
    print(format_args!("nothing was paused: there is no {path}\n"))
}
