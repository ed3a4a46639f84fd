//! SHA-256: a system call on chain, software on the host.

/// SHA-256 of one message.
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
#[inline(always)]
pub fn sha256(message: &[u8]) -> [u8; 32] {
    let mut hash = [0u8; 32];
    let parts = [message];
    // SAFETY: one slice, in the (pointer, length) layout that the system call reads; it writes 32 bytes.
    unsafe { pinocchio::syscalls::sol_sha256(parts.as_ptr().cast(), 1, hash.as_mut_ptr()) };
    hash
}

/// SHA-256 of one message.
#[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
pub fn sha256(message: &[u8]) -> [u8; 32] {
    gridtokenx_interface::sha256::sha256(message)
}
