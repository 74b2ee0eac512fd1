//! Files that a crash may have torn: what can be read of them counts, and what is written after the
//! tear is not lost.
#![no_main]

use askbook::spend::{Ceiling, Ceilings, Charge, Reservation};
use askbook_journal::fuzzing::{misses, written};
use askbook_ledger::fuzzing::{account, reserved, total};
use libfuzzer_sys::fuzz_target;
use uuid::{Uuid, uuid};

const NEW: Uuid = uuid!("d9a6a1d7-c2e8-4c6e-85e7-aa8477e710f0");

fuzz_target!(|input: (bool, u16, &[u8])| {
    let (is_journal, at, lines) = input;
    let (torn, _) = lines.split_at(usize::from(at).min(lines.len()));
    if is_journal { journal(lines, torn) } else { ledger(lines, torn) }
});

fn journal(lines: &[u8], torn: &[u8]) {
    let told = misses(lines);
    assert_eq!(misses(&written(lines)), told);

    let records = String::from_utf8(written(torn)).expect("JSON");
    if !records.contains(&NEW.to_string()) {
        let line = format!(
            "\n{{\"at\":\"2026-11-21T11:40:00Z\",\"message\":\"{NEW}\",\"kind\":\"not_in_book\",\
             \"question\":\"q\"}}\n"
        );
        let told = misses(&[torn, line.as_bytes()].concat());
        assert_eq!(told[..told.len() - 1], misses(torn));
        assert_eq!(told[told.len() - 1].question, "q");
    }
}

fn ledger(lines: &[u8], torn: &[u8]) {
    let day = Ceiling { calls: Some(5), tokens: Some(1_000), money: None };
    let ceilings = Ceilings { day, ..Ceilings::default() };
    let whole = account(lines, ceilings);
    assert_eq!(account(&total(&whole), ceilings).snapshot(), whole.snapshot());

    let before = account(torn, ceilings).snapshot();
    let charge = Charge { calls: 1, tokens: 2, money: 3 };
    let reservation = Reservation { id: NEW, charge, at: before.at };
    let line = [torn, b"\n", &reserved(reservation)].concat();
    let mut account = account(&line, ceilings);
    let after = account.snapshot();
    assert_eq!([after.minute, after.day], [before.minute + charge, before.day + charge]);
    assert!(after.open.contains(&reservation));

    let cost = Charge { tokens: 1, ..charge };
    assert!(account.settle(reservation, cost) && !account.settle(reservation, cost));
    let now = before.at.saturating_add(24 * 3_600);
    if now / (24 * 3_600) > before.at / (24 * 3_600) {
        assert!(account.check(NEW, charge, now).is_ok(), "another day");
    }
}
