//! The bytes that devices sign: statement, binding and rotation (device protocol, sections 1 and 5).

use crate::wire::Key;

/// First 8 bytes of a register statement.
pub const REGISTER_MAGIC: [u8; 8] = *b"GTXREG\x00\x01";
/// First 8 bytes of an interval statement.
pub const INTERVAL_MAGIC: [u8; 8] = *b"GTXINT\x00\x01";
/// First 8 bytes of a binding.
pub const BINDING_MAGIC: [u8; 8] = *b"GTXBIND\x01";
/// First 8 bytes of a rotation.
pub const ROTATION_MAGIC: [u8; 8] = *b"GTXROTA\x01";

/// A meter id: 1 to 16 bytes, padded on the right with zeroes.
pub type MeterId = [u8; 16];

record! {
    /// What a meter signs.
    Statement {
        /// Register or interval.
        magic: [u8; 8],
        /// The deployment that it counts on.
        network: [u8; 8],
        /// The meter.
        meter_id: MeterId,
        /// Starts at 1, grows by 1.
        sequence: u64,
        /// Unix seconds, end of the measuring period.
        measured_at: u64,
        /// Lifetime export register or energy of the interval, Wh.
        generation_wh: u64,
        /// Lifetime import register or energy of the interval, Wh.
        consumption_wh: u64,
    }
}

record! {
    /// What a device signs when it is bound to an owner, or resumes: registers and sequence at that moment.
    Binding {
        /// `GTXBIND\x01`.
        magic: [u8; 8],
        /// The deployment.
        network: [u8; 8],
        /// The meter.
        meter_id: MeterId,
        /// The wallet that the meter earns for.
        owner: Key,
        /// Statements count from the next one.
        sequence: u64,
        /// Unix seconds; elapsed time of the first statement runs from here.
        measured_at: u64,
        /// Nothing below this register is ever minted, Wh.
        base_generation_wh: u64,
        /// Nothing below this register is ever burned, Wh.
        base_consumption_wh: u64,
    }
}

record! {
    /// What the old and the new key of a device sign.
    Rotation {
        /// `GTXROTA\x01`.
        magic: [u8; 8],
        /// The deployment.
        network: [u8; 8],
        /// The meter.
        meter_id: MeterId,
        /// The key that takes over.
        new_key: Key,
        /// Unix seconds from which the new key signs.
        valid_from: u64,
    }
}

const _: () = assert!(Statement::LEN == 64 && Binding::LEN == 96 && Rotation::LEN == 72);

/// Whether the bytes are a meter id: 1–16 of `A–Z a–z 0–9 - _ .`, then zeroes; not `.` or `..`.
pub fn is_meter_id(id: &MeterId) -> bool {
    let used = id.iter().position(|b| *b == 0).unwrap_or(id.len());
    let (name, padding) = id.split_at(used);
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && name != b"." && name != b".." && name.iter().all(allowed) && padding.iter().all(|b| *b == 0)
}

/// What is hashed for the network bytes: `gridtokenx-network` ‖ genesis hash ‖ registry program id. The first 8 bytes of SHA-256 count.
pub fn network_preimage(genesis_hash: &[u8; 32], registry: &Key) -> [u8; 82] {
    let mut out = [0u8; 82];
    let (tag, rest) = out.split_at_mut(18);
    let (genesis, program) = rest.split_at_mut(32);
    tag.copy_from_slice(b"gridtokenx-network");
    genesis.copy_from_slice(genesis_hash);
    program.copy_from_slice(&registry.0);
    out
}
