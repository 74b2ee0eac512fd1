//! The binary `askbook`.

use std::process::ExitCode;

/// The C library's allocator keeps what a long run leaves between small blocks: memory grew by 16
/// MiB an hour under load, with this one by none (`askbook-load soak`).
#[cfg(not(feature = "dhat"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Counts, for `bench/instructions`.
#[cfg(feature = "dhat")]
#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    #[cfg(feature = "dhat")]
    let _counts =
        std::env::var_os("DHAT_FILE").map(|file| dhat::Profiler::builder().file_name(file).build());
    askbook_server::cli::main(std::env::args_os())
}
