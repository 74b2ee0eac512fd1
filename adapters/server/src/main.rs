//! The binary `askbook`.

use std::process::ExitCode;

fn main() -> ExitCode {
    askbook_server::cli::main(std::env::args_os())
}
