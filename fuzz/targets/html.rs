//! The pages of a built site: no text is lost, and every passage leads to an anchor of its page.
#![no_main]

use askbook_docusaurus::fuzzing::built;
use libfuzzer_sys::fuzz_target;

#[path = "../check.rs"]
mod check;

fuzz_target!(|input: (bool, &str)| {
    let (is_whole, text) = input;
    let framed;
    let html = if is_whole {
        text
    } else {
        framed = format!(
            "<!doctype html><html class=\"docs-doc-id-a\"><head>\
             <meta name=\"docusaurus_version\" content=\"current\">\
             <meta name=\"docusaurus_tag\" content=\"docs-default-current\"><title>A</title>\
             </head><body><article>{text}</article></body></html>"
        );
        &framed
    };
    let read = built("docs/a/index.html", html);
    if let Some((page, passages, _)) = &read {
        check::passages(page, passages, html);
    }
    if !is_whole {
        let (_, passages, _) = read.expect("a page");
        if check::is_plain(text) {
            check::text_is_kept(&passages, text);
        }
    }
});
