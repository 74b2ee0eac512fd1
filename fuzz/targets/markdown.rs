//! The pages of a book, front matter and all: no text is lost or made up, and every passage leads
//! to an anchor of its page.
#![no_main]

use askbook_docusaurus::fuzzing::page;
use libfuzzer_sys::fuzz_target;

#[path = "../check.rs"]
mod check;
#[path = "../hook.rs"]
mod hook;

fuzz_target!(
    init: hook::leave(&["/markdown-1."]),
    |input: (bool, &str)| {
        let (is_mdx, text) = input;
        let file = if is_mdx { "part/01-page.mdx" } else { "part/01-page.md" };
        let read = page(file, text.as_bytes().to_vec());
        if let Some((page, passages, _)) = &read {
            assert!(page.url.starts_with("https://book.example/"), "{}", page.url);
            check::passages(page, passages, text);
        }
        if check::is_plain(text) {
            let (_, passages, problems) = read.expect("a page");
            assert_eq!(problems, [""; 0]);
            check::text_is_kept(&passages, text);
        }
    }
);
