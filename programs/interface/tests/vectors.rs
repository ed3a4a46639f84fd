//! The golden vectors of the device protocol, shared with Python: the same bytes in both languages.
use gridtokenx_interface::{
    messages::{is_meter_id, network_preimage, Binding, Statement, BINDING_MAGIC, INTERVAL_MAGIC, REGISTER_MAGIC},
    sha256::sha256,
    wire::{bytes_of, split, Key},
};
use serde_json::Value;

const STATEMENTS: &str = include_str!("../../../tests/vectors/statements.json");
const BINDING: &str = include_str!("../../../tests/vectors/binding.json");

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn id(text: &Value) -> [u8; 16] {
    let mut id = [0; 16];
    let text = text.as_str().unwrap().as_bytes();
    id[..text.len()].copy_from_slice(text);
    id
}

#[test]
fn the_network_bytes_come_from_genesis_hash_and_program() {
    let vectors = json(STATEMENTS);
    let genesis = bytes(&vectors["genesis_hash_hex"]).try_into().unwrap();
    let program = Key(bytes(&vectors["registry_program_id_hex"]).try_into().unwrap());
    assert_eq!(sha256(&network_preimage(&genesis, &program))[..8], bytes(&vectors["network_hex"]));
}

#[test]
fn every_statement_is_read_and_written_to_the_byte() {
    let vectors = json(STATEMENTS);
    let network: [u8; 8] = bytes(&vectors["network_hex"]).try_into().unwrap();
    for vector in vectors["statements"].as_array().unwrap() {
        let signed = bytes(&vector["statement_hex"]);
        let statement = Statement {
            magic: if vector["kind"] == "register" { REGISTER_MAGIC } else { INTERVAL_MAGIC },
            network,
            meter_id: id(&vector["meter_id"]),
            sequence: vector["sequence"].as_u64().unwrap(),
            measured_at: vector["measured_at"].as_u64().unwrap(),
            generation_wh: vector["generation_wh"].as_u64().unwrap(),
            consumption_wh: vector["consumption_wh"].as_u64().unwrap(),
        };
        assert_eq!(bytes_of(&statement), signed);
        let (read, rest) = split::<Statement>(&signed).unwrap();
        assert!(rest.is_empty() && is_meter_id(&read.meter_id));
        assert_eq!({ read.generation_wh }, { statement.generation_wh });
    }
}

#[test]
fn the_binding_is_read_to_the_byte() {
    let vectors = json(BINDING);
    let signed = bytes(&vectors["bind"]["message_hex"]);
    let (binding, rest) = split::<Binding>(&signed).unwrap();
    assert!(rest.is_empty());
    assert_eq!(binding.magic, BINDING_MAGIC);
    assert_eq!({ binding.measured_at }, vectors["bind"]["measured_at"].as_u64().unwrap());
    assert_eq!(binding.meter_id, id(&vectors["provision"]["meter_id"]));
    assert_eq!({ binding.sequence }, vectors["bind"]["sequence"].as_u64().unwrap());
}

#[test]
fn a_message_one_byte_short_is_not_read() {
    let signed = bytes(&json(BINDING)["bind"]["message_hex"]);
    assert!(split::<Binding>(&signed[..signed.len() - 1]).is_none());
}

#[test]
fn only_ids_of_the_alphabet_padded_with_zeroes_are_meter_ids() {
    let padded = |text: &[u8]| {
        let mut id = [0; 16];
        id[..text.len()].copy_from_slice(text);
        id
    };
    for good in [&b"A"[..], b"MTR-001", b"a.b_c-D", b"ABCDEFGHIJKLMNOP", b"..."] {
        assert!(is_meter_id(&padded(good)), "{good:?}");
    }
    for bad in [&b""[..], b".", b"..", b"a/b", b"a b", b"a+", b"#", b"caf\xc3\xa9", b"a\0b"] {
        assert!(!is_meter_id(&padded(bad)), "{bad:?}");
    }
}
