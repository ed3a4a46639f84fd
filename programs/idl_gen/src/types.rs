//! The types that a program's accounts, instructions and events are made of, in the order in which they are first met.
use gridtokenx_interface::wire::{Field, Program, Record, Ty};

/// A named type: its fields are those of a record, and of what follows it in an event.
pub struct Named {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub docs: &'static [&'static str],
    /// Its fields in order.
    pub fields: Vec<Field>,
}

/// The records that instructions and events contain.
pub fn records(program: &Program) -> Vec<Named> {
    let mut found = Vec::new();
    let instructions = program.instructions.iter().flat_map(|instruction| instruction.args.fields.iter().chain(instruction.tail));
    let accounts = program.accounts.iter().flat_map(|account| account.record.fields);
    let events = program.events.iter().flat_map(|event| event.record.fields.iter().chain(event.tail));
    for field in instructions.chain(accounts).chain(events) {
        collect(field.ty, &mut found);
    }
    found
}

/// The accounts.
pub fn accounts(program: &Program) -> Vec<Named> {
    program.accounts.iter().map(|account| named(account.record, &[])).collect()
}

/// The events.
pub fn events(program: &Program) -> Vec<Named> {
    program.events.iter().map(|event| named(event.record, event.tail)).collect()
}

fn named(record: &'static Record, tail: &'static [Field]) -> Named {
    Named { name: record.name, docs: record.docs, fields: record.fields.iter().chain(tail).copied().collect() }
}

fn collect(ty: Ty, found: &mut Vec<Named>) {
    match ty {
        Ty::Record(record) | Ty::Vec(record) => {
            record.fields.iter().for_each(|field| collect(field.ty, found));
            if found.iter().all(|known| known.name != record.name) {
                found.push(named(record, &[]));
            }
        }
        Ty::Array(element, _) => collect(*element, found),
        _ => {}
    }
}
