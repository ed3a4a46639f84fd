//! Memory functions and 128-bit arithmetic for sBPF v0: what LLVM calls without being asked.
//!
//! The compiler's own versions hand 128-bit results back through a pointer while LLVM's calls expect them in registers, so linking
//! those in ends in a crash at run time. `extern "unadjusted"` gives the ones here LLVM's convention. The crate is compiled
//! apart from the programs and names nothing of `core` that is not inlined.
#![no_std]
#![no_builtins] // otherwise LLVM would turn each loop below into a call of the function it is in
#![allow(internal_features)]
#![feature(abi_unadjusted, core_intrinsics)]

use core::intrinsics::{unchecked_div, unchecked_rem};

extern "C" {
    fn sol_memcpy_(dst: *mut u8, src: *const u8, n: u64);
    fn sol_memmove_(dst: *mut u8, src: *const u8, n: u64);
    fn sol_memset_(dst: *mut u8, byte: u8, n: u64);
    fn sol_memcmp_(a: *const u8, b: *const u8, n: u64, result: *mut i32);
}

/// Up to this many bytes a loop costs less than a system call (10 compute units and the call around it).
const SMALL: usize = 32;

/// # Safety
/// As C's `memcpy`.
#[no_mangle]
pub unsafe extern "C" fn memcpy(dst: *mut u8, src: *const u8, n: usize) -> *mut u8 {
    if n > SMALL {
        sol_memcpy_(dst, src, n as u64);
        return dst;
    }
    let mut i = 0;
    while i + 8 <= n {
        dst.add(i)
            .cast::<u64>()
            .write_unaligned(src.add(i).cast::<u64>().read_unaligned());
        i += 8;
    }
    while i < n {
        *dst.add(i) = *src.add(i);
        i += 1;
    }
    dst
}

/// # Safety
/// As C's `memmove`.
#[no_mangle]
pub unsafe extern "C" fn memmove(dst: *mut u8, src: *const u8, n: usize) -> *mut u8 {
    sol_memmove_(dst, src, n as u64);
    dst
}

/// # Safety
/// As C's `memset`.
#[no_mangle]
pub unsafe extern "C" fn memset(dst: *mut u8, byte: i32, n: usize) -> *mut u8 {
    if n > SMALL {
        sol_memset_(dst, byte as u8, n as u64);
        return dst;
    }
    let word = (byte as u8 as u64).wrapping_mul(0x0101_0101_0101_0101);
    let mut i = 0;
    while i + 8 <= n {
        dst.add(i).cast::<u64>().write_unaligned(word);
        i += 8;
    }
    while i < n {
        *dst.add(i) = byte as u8;
        i += 1;
    }
    dst
}

/// # Safety
/// As C's `memcmp`.
#[no_mangle]
pub unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    if n > SMALL {
        let mut result = 0;
        sol_memcmp_(a, b, n as u64, &mut result);
        return result;
    }
    let mut i = 0;
    while i + 8 <= n
        && a.add(i).cast::<u64>().read_unaligned() == b.add(i).cast::<u64>().read_unaligned()
    {
        i += 8;
    }
    while i < n {
        let (x, y) = (*a.add(i), *b.add(i));
        if x != y {
            return x as i32 - y as i32;
        }
        i += 1;
    }
    0
}

/// # Safety
/// As C's `bcmp`.
#[no_mangle]
pub unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    memcmp(a, b, n)
}

const LOW: u64 = 0xffff_ffff;

#[inline(always)]
fn halves(x: u128) -> (u64, u64) {
    ((x >> 64) as u64, x as u64)
}

#[inline(always)]
fn join(hi: u64, lo: u64) -> u128 {
    ((hi as u128) << 64) | lo as u128
}

/// Product modulo 2^128 by 32-bit digits.
#[no_mangle]
pub unsafe extern "unadjusted" fn __multi3(a: u128, b: u128) -> u128 {
    let ((a_hi, a_lo), (b_hi, b_lo)) = (halves(a), halves(b));
    let (a1, a0, b1, b0) = (a_lo >> 32, a_lo & LOW, b_lo >> 32, b_lo & LOW);
    let (p00, p01, p10, p11) = (
        a0.wrapping_mul(b0),
        a0.wrapping_mul(b1),
        a1.wrapping_mul(b0),
        a1.wrapping_mul(b1),
    );
    let middle = (p00 >> 32).wrapping_add(p01 & LOW).wrapping_add(p10 & LOW);
    let hi = p11
        .wrapping_add(p01 >> 32)
        .wrapping_add(p10 >> 32)
        .wrapping_add(middle >> 32);
    let cross = a_hi
        .wrapping_mul(b_lo)
        .wrapping_add(a_lo.wrapping_mul(b_hi));
    join(hi.wrapping_add(cross), (middle << 32) | (p00 & LOW))
}

/// Quotient and remainder: one machine division where 64 bits suffice, by 32-bit digits for a divisor of 32 bits, else bit by bit.
/// The divisor is not zero: Rust's `/` has checked that.
#[inline(never)]
fn divide(n: u128, d: u128) -> (u128, u128) {
    let ((n_hi, n_lo), (d_hi, d_lo)) = (halves(n), halves(d));
    if d_hi == 0 && n_hi == 0 {
        // SAFETY: the caller has excluded a zero divisor.
        return unsafe {
            (
                unchecked_div(n_lo, d_lo) as u128,
                unchecked_rem(n_lo, d_lo) as u128,
            )
        };
    }
    if d_hi == 0 && d_lo <= LOW {
        let mut remainder = 0u64;
        let mut digits = [n_hi >> 32, n_hi & LOW, n_lo >> 32, n_lo & LOW];
        let mut i = 0;
        while i < 4 {
            let current = (remainder << 32) | digits[i];
            // SAFETY: as above.
            unsafe {
                digits[i] = unchecked_div(current, d_lo);
                remainder = unchecked_rem(current, d_lo);
            }
            i += 1;
        }
        return (
            join((digits[0] << 32) | digits[1], (digits[2] << 32) | digits[3]),
            remainder as u128,
        );
    }
    let (mut q_hi, mut q_lo, mut r_hi, mut r_lo) = (n_hi, n_lo, 0u64, 0u64);
    let mut i = 0;
    while i < 128 {
        let carry = r_hi >> 63;
        r_hi = (r_hi << 1) | (r_lo >> 63);
        r_lo = (r_lo << 1) | (q_hi >> 63);
        q_hi = (q_hi << 1) | (q_lo >> 63);
        q_lo <<= 1;
        if carry == 1 || r_hi > d_hi || (r_hi == d_hi && r_lo >= d_lo) {
            let borrow = (r_lo < d_lo) as u64;
            r_lo = r_lo.wrapping_sub(d_lo);
            r_hi = r_hi.wrapping_sub(d_hi).wrapping_sub(borrow);
            q_lo |= 1;
        }
        i += 1;
    }
    (join(q_hi, q_lo), join(r_hi, r_lo))
}

#[no_mangle]
pub unsafe extern "unadjusted" fn __udivti3(n: u128, d: u128) -> u128 {
    divide(n, d).0
}

#[no_mangle]
pub unsafe extern "unadjusted" fn __umodti3(n: u128, d: u128) -> u128 {
    divide(n, d).1
}

#[no_mangle]
pub unsafe extern "unadjusted" fn __divti3(n: i128, d: i128) -> i128 {
    let q = divide(n.unsigned_abs(), d.unsigned_abs()).0 as i128;
    if (n ^ d) < 0 {
        q.wrapping_neg()
    } else {
        q
    }
}

#[no_mangle]
pub unsafe extern "unadjusted" fn __modti3(n: i128, d: i128) -> i128 {
    let r = divide(n.unsigned_abs(), d.unsigned_abs()).1 as i128;
    if n < 0 {
        r.wrapping_neg()
    } else {
        r
    }
}

macro_rules! shift {
    ($name:ident, $type:ty, $sub:expr) => {
        #[no_mangle]
        pub unsafe extern "unadjusted" fn $name(x: $type, by: u32) -> $type {
            let f: fn($type, u32) -> $type = $sub;
            f(x, by)
        }
    };
}

shift!(__ashlti3, u128, |x, by| {
    let (hi, lo) = halves(x);
    match by {
        0 => x,
        64.. => join(lo << ((by - 64) & 63), 0),
        _ => join((hi << by) | (lo >> (64 - by)), lo << by),
    }
});
shift!(__lshrti3, u128, |x, by| {
    let (hi, lo) = halves(x);
    match by {
        0 => x,
        64.. => join(0, hi >> ((by - 64) & 63)),
        _ => join(hi >> by, (lo >> by) | (hi << (64 - by))),
    }
});
