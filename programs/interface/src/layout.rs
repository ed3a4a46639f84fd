//! Reading accounts in place.

use crate::wire::Plain;

/// An account type with a discriminator.
pub trait Account: Plain {
    /// First 8 bytes of the account's data.
    const DISCRIMINATOR: [u8; 8];

    /// Reads account data. None when length, discriminator or alignment differ.
    #[inline(always)]
    fn load(data: &[u8]) -> Option<&Self> {
        if !fits::<Self>(data) {
            return None;
        }
        // SAFETY: length and alignment were checked; every bit pattern is a value.
        Some(unsafe { &*(data.as_ptr() as *const Self) })
    }

    /// Reads account data for writing. None when length, discriminator or alignment differ.
    #[inline(always)]
    fn load_mut(data: &mut [u8]) -> Option<&mut Self> {
        if !fits::<Self>(data) {
            return None;
        }
        // SAFETY: as in `load`, and the borrow is exclusive.
        Some(unsafe { &mut *(data.as_mut_ptr() as *mut Self) })
    }
}

#[inline(always)]
fn fits<T: Account>(data: &[u8]) -> bool {
    let aligned = (data.as_ptr() as usize) & (core::mem::align_of::<T>() - 1) == 0;
    aligned && data.len() == core::mem::size_of::<T>() && data.first_chunk::<8>() == Some(&T::DISCRIMINATOR)
}
