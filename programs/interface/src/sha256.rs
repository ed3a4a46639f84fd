//! SHA-256 that runs at compile time: discriminators are constants. On chain, programs use the system call instead.

const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];
const START: [u32; 8] = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

const fn padded_byte(message: &[u8], blocks: usize, at: usize) -> u8 {
    if at < message.len() {
        return message[at];
    }
    if at == message.len() {
        return 0x80;
    }
    let from_end = blocks * 64 - 1 - at;
    if from_end < 8 {
        return ((message.len() as u64 * 8) >> (8 * from_end)) as u8;
    }
    0
}

const fn compress(state: [u32; 8], mut w: [u32; 64]) -> [u32; 8] {
    let mut i = 16;
    while i < 64 {
        let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
        let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
        i += 1;
    }
    let mut v = state;
    i = 0;
    while i < 64 {
        let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
        let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
        let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(K[i]).wrapping_add(w[i]);
        let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
        let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        let t2 = s0.wrapping_add(majority);
        v = [t1.wrapping_add(t2), v[0], v[1], v[2], v[3].wrapping_add(t1), v[4], v[5], v[6]];
        i += 1;
    }
    i = 0;
    while i < 8 {
        v[i] = v[i].wrapping_add(state[i]);
        i += 1;
    }
    v
}

/// SHA-256 of `message`.
pub const fn sha256(message: &[u8]) -> [u8; 32] {
    let blocks = (message.len() + 8) / 64 + 1;
    let mut state = START;
    let mut block = 0;
    while block < blocks {
        let mut w = [0u32; 64];
        let mut i = 0;
        while i < 64 {
            w[i / 4] = (w[i / 4] << 8) | padded_byte(message, blocks, block * 64 + i) as u32;
            i += 1;
        }
        state = compress(state, w);
        block += 1;
    }
    let mut out = [0u8; 32];
    let mut i = 0;
    while i < 32 {
        out[i] = (state[i / 4] >> (24 - 8 * (i % 4))) as u8;
        i += 1;
    }
    out
}

/// The first 8 bytes of SHA-256(`namespace:name`): Anchor's convention.
pub const fn discriminator(namespace: &str, name: &str) -> [u8; 8] {
    let (n, m) = (namespace.as_bytes(), name.as_bytes());
    let mut text = [0u8; 96];
    let mut i = 0;
    while i < n.len() {
        text[i] = n[i];
        i += 1;
    }
    text[i] = b':';
    i += 1;
    while i < n.len() + 1 + m.len() {
        text[i] = m[i - n.len() - 1];
        i += 1;
    }
    let (used, _) = text.split_at(i);
    let h = sha256(used);
    [h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_standard_examples() {
        assert_eq!(sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
        assert_eq!(sha256(&[b'a'; 200])[..4], [0xc2, 0xa9, 0x08, 0xd9]);
    }

    #[test]
    fn discriminators_follow_anchor() {
        assert_eq!(discriminator("global", "initialize"), [175, 175, 109, 31, 13, 152, 155, 237]);
    }
}
