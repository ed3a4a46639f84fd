//! The one source of the programs' layouts: accounts, instructions, events, errors, addresses and the arithmetic of settlement.
//!
//! Programs, IDL and Python client are checked against this crate. It needs neither `std` nor pinocchio.
#![no_std]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]

#[macro_use]
mod declare;
pub mod energy_token;
pub mod guard;
pub mod layout;
pub mod messages;
pub mod oracle;
pub mod registry;
pub mod settlement;
pub mod sha256;
pub mod wire;

/// Addresses from `program-ids.toml` and those derived from them.
pub mod ids {
    use crate::wire::Key;
    include!(concat!(env!("OUT_DIR"), "/ids.rs"));

    /// The system program.
    pub const SYSTEM: Key = Key([0; 32]);
    /// Token-2022 (TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb).
    pub const TOKEN_2022: Key = Key([
        6, 221, 246, 225, 238, 117, 143, 222, 24, 66, 93, 188, 228, 108, 205, 218, 182, 26, 252, 77, 131, 185, 13, 39, 254, 189, 249, 40,
        216, 161, 139, 252,
    ]);
    /// Associated tokens (ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL).
    pub const ASSOCIATED_TOKEN: Key = Key([
        140, 151, 37, 143, 78, 36, 137, 241, 187, 61, 16, 41, 20, 142, 13, 131, 11, 90, 19, 153, 218, 255, 16, 132, 4, 142, 123, 216, 219,
        233, 248, 89,
    ]);
    /// The Ed25519 precompile (Ed25519SigVerify111111111111111111111111111).
    pub const ED25519: Key = Key([
        3, 125, 70, 214, 124, 147, 251, 190, 18, 249, 66, 143, 131, 141, 64, 255, 5, 112, 116, 73, 39, 244, 138, 100, 252, 202, 112, 68,
        128, 0, 0, 0,
    ]);
    /// The instructions sysvar (Sysvar1nstructions1111111111111111111111111).
    pub const INSTRUCTIONS_SYSVAR: Key = Key([
        6, 167, 213, 23, 24, 123, 209, 102, 53, 218, 212, 4, 85, 253, 194, 192, 193, 36, 198, 143, 33, 86, 117, 165, 219, 186, 203, 95, 8,
        0, 0, 0,
    ]);
}

/// Seeds of derived addresses that are not singletons.
pub mod seeds {
    /// `["user", wallet]`
    pub const USER: &[u8] = b"user";
    /// `["zone", id as u32 little-endian]`
    pub const ZONE: &[u8] = b"zone";
    /// `["meter", meter_id, 16 bytes padded with zeroes]`
    pub const METER: &[u8] = b"meter";
    /// `["device", key]`
    pub const DEVICE: &[u8] = b"device";
    /// `["config"]`
    pub const CONFIG: &[u8] = b"config";
    /// `["authority"]`: the address with which a program signs its calls.
    pub const AUTHORITY: &[u8] = b"authority";
    /// `["roots"]`: the oracle's range of Merkle roots.
    pub const ROOTS: &[u8] = b"roots";
    /// `["mint"]`: the energy token's mint.
    pub const MINT: &[u8] = b"mint";
    /// `["__event_authority"]`
    pub const EVENT_AUTHORITY: &[u8] = b"__event_authority";
}

/// First 8 bytes of a self-call that carries an event: Anchor's `emit_cpi` layout.
pub const EVENT_TAG: [u8; 8] = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];

/// All programs, for the IDL generator.
pub const PROGRAMS: [&wire::Program; 3] = [&registry::PROGRAM, &oracle::PROGRAM, &energy_token::PROGRAM];
