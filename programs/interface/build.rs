//! Reads `../program-ids.toml` and writes the program addresses, with the program-derived addresses that follow from them, as constants.
//!
//! A program compares an account with a constant instead of deriving its address again (1,500 compute units each time).
use solana_address::Address;
use std::{env, fmt::Write as _, fs, path::Path, str::FromStr};

const IDS: &str = "../program-ids.toml";

/// A constant's name and its seed.
type Singleton = (&'static str, &'static [u8]);

/// The singletons of each program.
const SINGLETONS: [(&str, &[Singleton]); 3] = [
    ("registry", &[("CONFIG", b"config"), ("AUTHORITY", b"authority"), ("EVENT_AUTHORITY", b"__event_authority")]),
    ("oracle", &[("CONFIG", b"config"), ("AUTHORITY", b"authority"), ("ROOTS", b"roots"), ("EVENT_AUTHORITY", b"__event_authority")]),
    ("energy_token", &[("CONFIG", b"config"), ("MINT", b"mint"), ("EVENT_AUTHORITY", b"__event_authority")]),
];

fn program_id(text: &str, name: &str) -> Address {
    let line = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"').to_string())
    });
    let base58 = line.unwrap_or_else(|| panic!("{IDS}: a line `{name} = \"<address>\"` is missing"));
    Address::from_str(&base58).unwrap_or_else(|_| panic!("{IDS}: `{name}` is not an address"))
}

fn main() {
    println!("cargo:rerun-if-changed={IDS}");
    let text = fs::read_to_string(IDS).unwrap_or_else(|_| panic!("{IDS} can't be read"));
    let loader = Address::from_str("BPFLoaderUpgradeab1e11111111111111111111111").expect("a constant");
    let mut out = String::new();
    for (program, seeds) in SINGLETONS {
        let id = program_id(&text, program);
        let (program_data, _) = Address::find_program_address(&[id.as_ref()], &loader);
        let _ = writeln!(out, "/// Addresses of `{program}`.\npub mod {program} {{\n    use crate::wire::Key;");
        let _ = writeln!(out, "    /// The program.\n    pub const ID: Key = Key({:?});", id.to_bytes());
        let _ = writeln!(
            out,
            "    /// The program's data account under the upgradeable loader.\n    pub const PROGRAM_DATA: Key = Key({:?});",
            program_data.to_bytes()
        );
        for (constant, seed) in seeds {
            let (address, bump) = Address::find_program_address(&[seed], &id);
            let _ = writeln!(out, "    /// The address derived from the seed `{}`.", String::from_utf8_lossy(seed));
            let _ = writeln!(out, "    pub const {constant}: Key = Key({:?});", address.to_bytes());
            let _ = writeln!(out, "    /// Its bump.\n    pub const {constant}_BUMP: u8 = {bump};");
        }
        out.push_str("}\n");
    }
    let path = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("ids.rs");
    fs::write(path, out).expect("OUT_DIR is writable");
}
