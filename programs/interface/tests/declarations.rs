//! What the tables say: no two things of one program share a discriminator or a code, and codes are in order.
use std::collections::HashSet;

use gridtokenx_interface::{
    guard,
    registry::{Config, Meter, RegisterMeter},
    wire::{items, Key, OPTIONAL, SIGNER},
    PROGRAMS,
};

#[test]
fn discriminators_are_unique_in_each_program() {
    for program in PROGRAMS {
        let instructions: HashSet<_> = program.instructions.iter().map(|i| i.discriminator).collect();
        let accounts: HashSet<_> = program.accounts.iter().map(|a| a.discriminator).collect();
        let events: HashSet<_> = program.events.iter().map(|e| e.discriminator).collect();
        let counts = (instructions.len(), accounts.len(), events.len());
        assert_eq!(counts, (program.instructions.len(), program.accounts.len(), program.events.len()), "{}", program.name);
    }
}

#[test]
fn every_programs_errors_begin_with_the_shared_block_and_grow() {
    for program in PROGRAMS {
        let shared: Vec<_> = guard::ERRORS.iter().map(|e| (e.code, e.name)).collect();
        let own: Vec<_> = program.errors.iter().map(|e| (e.code, e.name)).collect();
        assert_eq!(own[..shared.len()], shared);
        assert!(own.windows(2).all(|pair| pair[0].0 < pair[1].0), "{}", program.name);
    }
}

#[test]
fn everything_is_documented() {
    for program in PROGRAMS {
        assert!(program.instructions.iter().all(|i| !i.docs.is_empty() && i.accounts.iter().all(|a| !a.docs.is_empty())));
        assert!(program.accounts.iter().all(|a| a.record.fields.iter().all(|f| !f.docs.is_empty())));
        assert!(program.errors.iter().all(|e| e.message.ends_with('.')));
    }
}

#[test]
fn an_optional_account_is_never_the_only_signer() {
    for instruction in PROGRAMS.iter().flat_map(|program| program.instructions) {
        let optional = instruction.accounts.iter().any(|a| a.flags & OPTIONAL != 0);
        assert!(!optional || instruction.accounts.iter().any(|a| a.flags & SIGNER != 0), "{}", instruction.name);
    }
}

#[test]
fn lengths_are_part_of_the_interface() {
    assert_eq!((Config::TYPE.len, Meter::TYPE.len), (536, 608));
    assert_eq!(RegisterMeter::Args::LEN, 96 + 64 + 32 + 16 + 4 + 3);
    assert_eq!(RegisterMeter::FLAGS.len(), 12);
}

#[test]
fn a_list_fills_its_data_to_the_last_byte() {
    let two = [&2u32.to_le_bytes()[..], &[7; 64]].concat();
    assert_eq!(items::<Key>(&two).unwrap().len(), 2);
    assert!(items::<Key>(&two[..67]).is_none());
    assert!(items::<Key>(&[&two[..], &[0]].concat()).is_none());
    assert!(items::<Key>(&u32::MAX.to_le_bytes()).is_none());
}
