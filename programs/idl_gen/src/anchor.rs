//! Anchor's IDL, specification 0.1.0: what `@coral-xyz/anchor` and explorers read.
use gridtokenx_interface::wire::{Field, Instruction, Meta, Place, Program, Seed, Ty, OPTIONAL, SIGNER, WRITABLE};
use serde_json::{json, Map, Value};

use crate::{
    names::{base58, lines},
    types::{self, Named},
};

/// The IDL of a program.
pub fn idl(program: &Program) -> Value {
    let types = [types::records(program), types::accounts(program), types::events(program)];
    json!({
        "address": base58(&program.id.0),
        "metadata": {
            "name": program.name,
            "version": env!("CARGO_PKG_VERSION"),
            "spec": "0.1.0",
            "description": lines(program.docs).join(" "),
        },
        "docs": lines(program.docs),
        "instructions": program.instructions.iter().map(instruction).collect::<Vec<_>>(),
        "accounts": program.accounts.iter().map(|account| labelled(account.record.name, account.discriminator)).collect::<Vec<_>>(),
        "events": program.events.iter().map(|event| labelled(event.record.name, event.discriminator)).collect::<Vec<_>>(),
        "errors": program.errors.iter().map(|error| json!({"code": error.code, "name": error.name, "msg": error.message})).collect::<Vec<_>>(),
        "types": types.iter().flatten().map(structure).collect::<Vec<_>>(),
    })
}

fn labelled(name: &str, discriminator: [u8; 8]) -> Value {
    json!({"name": name, "discriminator": discriminator})
}

fn instruction(instruction: &Instruction) -> Value {
    let mut docs: Vec<String> = lines(instruction.docs);
    if !instruction.remaining.is_empty() {
        docs.push(format!("Remaining accounts: {}", instruction.remaining));
    }
    json!({
        "name": instruction.name,
        "docs": docs,
        "discriminator": instruction.discriminator,
        "accounts": instruction.accounts.iter().map(account).collect::<Vec<_>>(),
        "args": instruction.args.fields.iter().chain(instruction.tail).map(field).collect::<Vec<_>>(),
    })
}

fn account(meta: &Meta) -> Value {
    let mut account = Map::new();
    account.insert("name".into(), meta.name.into());
    account.insert("docs".into(), json!(lines(meta.docs)));
    for (flag, name) in [(WRITABLE, "writable"), (SIGNER, "signer"), (OPTIONAL, "optional")] {
        if meta.flags & flag != 0 {
            account.insert(name.into(), true.into());
        }
    }
    match meta.place {
        Place::Any => {}
        Place::Fixed(key) => {
            account.insert("address".into(), base58(&key.0).into());
        }
        Place::Pda(seeds) => {
            account.insert("pda".into(), json!({"seeds": seeds.iter().map(seed).collect::<Vec<_>>()}));
        }
    }
    account.into()
}

fn seed(seed: &Seed) -> Value {
    match seed {
        Seed::Const(bytes) => json!({"kind": "const", "value": bytes}),
        Seed::Arg(path) => json!({"kind": "arg", "path": path}),
        Seed::Account(path) => json!({"kind": "account", "path": path}),
    }
}

fn structure(named: &Named) -> Value {
    json!({
        "name": named.name,
        "docs": lines(named.docs),
        "type": {"kind": "struct", "fields": named.fields.iter().map(field).collect::<Vec<_>>()},
    })
}

fn field(field: &Field) -> Value {
    json!({"name": field.name, "docs": lines(field.docs), "type": ty(field.ty)})
}

fn ty(ty: Ty) -> Value {
    match ty {
        Ty::U8 => "u8".into(),
        Ty::U16 => "u16".into(),
        Ty::U32 => "u32".into(),
        Ty::U64 => "u64".into(),
        Ty::U128 => "u128".into(),
        Ty::I64 => "i64".into(),
        Ty::Pubkey => "pubkey".into(),
        Ty::String => "string".into(),
        Ty::Array(element, length) => json!({"array": [self::ty(*element), length]}),
        Ty::Record(record) => json!({"defined": {"name": record.name}}),
        Ty::Vec(record) => json!({"vec": {"defined": {"name": record.name}}}),
    }
}
