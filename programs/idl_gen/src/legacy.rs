//! The IDL format before 0.1.0: what anchorpy reads. Discriminators follow from the names, so the names are in camel case.
use gridtokenx_interface::wire::{Field, Instruction, Meta, Program, Ty, OPTIONAL, SIGNER, WRITABLE};
use serde_json::{json, Value};

use crate::{
    names::{base58, camel, lines},
    types::{self, Named},
};

/// The IDL of a program.
pub fn idl(program: &Program) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "name": program.name,
        "docs": lines(program.docs),
        "instructions": program.instructions.iter().map(instruction).collect::<Vec<_>>(),
        "accounts": types::accounts(program).iter().map(structure).collect::<Vec<_>>(),
        "types": types::records(program).iter().map(structure).collect::<Vec<_>>(),
        "events": types::events(program).iter().map(event).collect::<Vec<_>>(),
        "errors": program.errors.iter().map(|error| json!({"code": error.code, "name": error.name, "msg": error.message})).collect::<Vec<_>>(),
        "metadata": {"address": base58(&program.id.0)},
    })
}

fn instruction(instruction: &Instruction) -> Value {
    json!({
        "name": camel(instruction.name),
        "docs": lines(instruction.docs),
        "accounts": instruction.accounts.iter().map(account).collect::<Vec<_>>(),
        "args": instruction.args.fields.iter().chain(instruction.tail).map(field).collect::<Vec<_>>(),
    })
}

fn account(meta: &Meta) -> Value {
    json!({
        "name": camel(meta.name),
        "isMut": meta.flags & WRITABLE != 0,
        "isSigner": meta.flags & SIGNER != 0,
        "isOptional": meta.flags & OPTIONAL != 0,
        "docs": lines(meta.docs),
    })
}

fn structure(named: &Named) -> Value {
    json!({
        "name": named.name,
        "docs": lines(named.docs),
        "type": {"kind": "struct", "fields": named.fields.iter().map(field).collect::<Vec<_>>()},
    })
}

fn event(named: &Named) -> Value {
    let fields = named.fields.iter().map(|field| json!({"name": camel(field.name), "type": ty(field.ty), "index": false}));
    json!({"name": named.name, "fields": fields.collect::<Vec<_>>()})
}

fn field(field: &Field) -> Value {
    json!({"name": camel(field.name), "docs": lines(field.docs), "type": ty(field.ty)})
}

fn ty(ty: Ty) -> Value {
    match ty {
        Ty::U8 => "u8".into(),
        Ty::U16 => "u16".into(),
        Ty::U32 => "u32".into(),
        Ty::U64 => "u64".into(),
        Ty::U128 => "u128".into(),
        Ty::I64 => "i64".into(),
        Ty::Pubkey => "publicKey".into(),
        Ty::String => "string".into(),
        Ty::Array(element, length) => json!({"array": [self::ty(*element), length]}),
        Ty::Record(record) => json!({"defined": record.name}),
        Ty::Vec(record) => json!({"vec": {"defined": record.name}}),
    }
}
