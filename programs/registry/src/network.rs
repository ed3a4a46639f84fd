//! The 8 network bytes, by which a signed message counts on one deployment only.
use gridtokenx_guards::sha256;
use gridtokenx_interface::{ids, messages::network_preimage};

/// First 8 bytes of SHA-256(`gridtokenx-network` ‖ genesis hash ‖ registry program id).
pub fn network(genesis_hash: &[u8; 32]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = sha256(&network_preimage(genesis_hash, &ids::registry::ID));
    [a, b, c, d, e, f, g, h]
}
